"""The life of the process, by docs/app-contract.md: LISTEN, the socket, SIGTERM."""

import os
import re
import signal
import socket
import stat
import sys
import threading
import time
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import NoReturn

# As long as the sidecar may still use an idle connection (3 s), and a little longer.
IDLE_GRACE = 4

stopping = threading.Event()


class Server(ThreadingTCPServer):
    """A thread for each connection: a sidecar keeps few, for long."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # 5 would turn connections away

    def __init__(self, family: socket.AddressFamily, address, handler: type[BaseRequestHandler]) -> None:
        self.address_family = family
        super().__init__(address, handler)

    def handle_error(self, request, client_address) -> None:
        """A connection that breaks is not worth a stack trace; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(name: str, handler: type[BaseRequestHandler]) -> None:
    """Answers where LISTEN says, until SIGTERM."""
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # for all threads: sigwait takes them
    try:
        family, address = parse_address(os.environ.get("LISTEN", ""))
    except ValueError as error:
        fail(name, os.EX_CONFIG, f"LISTEN: {error}")
    try:
        server = listen(family, address, handler)
    except OSError as error:
        fail(name, os.EX_UNAVAILABLE, f"cannot listen on {os.environ['LISTEN']}: {error.strerror or error}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    signal.sigwait(signals)

    # No new connections; every answer closes its own; and a thread that waits for one more request gets some time.
    stopping.set()
    if family == socket.AF_UNIX:
        os.unlink(address)
    server.shutdown()
    server.server_close()
    end = time.monotonic() + IDLE_GRACE
    while threading.active_count() > 1 and time.monotonic() < end:
        time.sleep(0.01)


def parse_address(text: str) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    """Reads `unix:/path` or `host:port`."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or len(os.fsencode(path)) > 107:
            raise ValueError(f"{text!r}: a socket path is absolute and has at most 107 bytes")
        return socket.AF_UNIX, path
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", text)
    if match is None or not 0 < int(match[3]) < 65536:
        raise ValueError(f"{text!r} is neither unix:/path nor host:port")
    return (socket.AF_INET6, (match[1], int(match[3]))) if match[1] else (socket.AF_INET, (match[2], int(match[3])))


def listen(family: socket.AddressFamily, address, handler: type[BaseRequestHandler]) -> Server:
    """Replaces a socket whose process is dead, and none that a live one serves."""
    if family != socket.AF_UNIX:
        return Server(family, address, handler)
    with socket.socket(family) as probe:
        try:
            probe.connect(address)
            raise OSError("a live process serves it")
        except ConnectionRefusedError:
            if stat.S_ISSOCK(os.lstat(address).st_mode):
                os.unlink(address)
        except FileNotFoundError:
            pass
    server = Server(family, address, handler)
    os.chmod(address, 0o660)  # its folder hands the group on to the sidecar
    return server


def fail(name: str, status: int, message: str) -> NoReturn:
    print(f"{name}: {message}", file=sys.stderr)
    sys.exit(status)
