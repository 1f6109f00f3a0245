"""The quotes service in Python: http.server and nothing else. It knows nothing of TLS or SPIFFE (docs/app-contract.md)."""

import json
import re
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from market import Market
from serve import serve, stopping

MAX_BODY = 16 * 1024
PAIR = r'(?i:By|Hash|Cert|Chain|Subject|DNS)=(?:"(?:[^"\\]|\\.)*"|[^",;=\\ ]*)'
SPIFFE_ID = r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|;|$))[A-Za-z0-9._-]+)+"
CALLER = re.compile(rf"(?:{PAIR};)*(?i:URI)={SPIFFE_ID}(?:;{PAIR})*", re.ASCII)

market = Market()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    timeout = 60  # seconds a connection may be idle
    wbufsize = -1  # an answer leaves in one piece

    def answer_request(self) -> None:
        callers = self.headers.get_all("x-forwarded-client-cert")
        if not self.discard_body():
            self.close_connection = True  # what is left of the body is no request
            self.problem(413, "BODY_TOO_LARGE", "The body is larger than 16 KiB, or does not tell its length")
        elif callers is not None and not CALLER.fullmatch(", ".join(callers).strip()):
            self.problem(400, "CALLER_INVALID", "x-forwarded-client-cert must name exactly one caller")
        else:
            self.route(self.command, self.path.partition("?")[0])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer_request

    def route(self, method: str, path: str) -> None:
        match "GET" if method == "HEAD" else method, path:
            case "GET", "/quotes":
                self.answer(200, market.at(time.time()))
            case "GET", "/health":
                stops = stopping.is_set()
                self.answer(503 if stops else 200, {"status": "stopping" if stops else "ok"})
            case _:
                self.problem(404, "NOT_FOUND", "There is nothing here")

    def discard_body(self) -> bool:
        """False when the body is too large or its end unknown; http.server leaves bodies in the connection."""
        lengths = self.headers.get_all("content-length", ["0"])
        known = len(lengths) == 1 and re.fullmatch("[0-9]{1,5}", lengths[0]) and "transfer-encoding" not in self.headers
        return bool(known) and int(lengths[0]) <= MAX_BODY and len(self.rfile.read(int(lengths[0]))) == int(lengths[0])

    def problem(self, status: int, code: str, message: str) -> None:
        self.answer(status, {"code": code, "message": message})

    def answer(self, status: int, body: dict) -> None:
        content = json.dumps(body, separators=(",", ":")).encode()
        self.send_response_only(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.send_header("cache-control", "no-store")
        if stopping.is_set() or self.close_connection:
            self.send_header("connection", "close")  # and http.server closes
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses: a request it cannot read, a method it does not know."""
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self.problem(404, "NOT_FOUND", "There is nothing here")
        else:
            self.problem(400, "BAD_REQUEST", message or HTTPStatus(code).phrase)

    def log_message(self, *_) -> None:
        """The sidecar has an access log."""


if __name__ == "__main__":
    market.at(time.time())  # walks the session so far before anybody waits for it
    serve("quotes", Handler)
