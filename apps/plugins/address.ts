// Addresses of the app contract (docs/app-contract.md): `unix:/path` or `host:port`. Pure.

export type Address = { readonly socket: string } | { readonly host: string; readonly port: number };

export type ParsedAddress =
  | { readonly ok: true; readonly address: Address }
  /** One sentence without a full stop. */
  | { readonly ok: false; readonly problem: string };

/** sockaddr_un(7): the path of a Unix socket has 108 bytes, the last of them NUL. */
const maxSocketPathBytes = 107;

/** Reads `unix:/absolute/path`, `host:port` or `[IPv6]:port`. */
export function parseAddress(text: string): ParsedAddress {
  return text.startsWith("unix:") ? parseSocketPath(text.slice("unix:".length)) : parseHostPort(text);
}

/** The address as it is written in the environment and in logs. */
export function formatAddress(address: Address): string {
  if ("socket" in address) return `unix:${address.socket}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function parseSocketPath(path: string): ParsedAddress {
  if (!path.startsWith("/")) return refused("the path after unix: must be absolute");
  if (path.includes("\0")) return refused("the path after unix: holds a NUL");
  const bytes = Buffer.byteLength(path);
  if (bytes > maxSocketPathBytes) return refused(`a socket path has at most ${maxSocketPathBytes} bytes, not ${bytes}`);
  return { ok: true, address: { socket: path } };
}

function parseHostPort(text: string): ParsedAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return refused("it is neither unix:/path nor host:port");
  const [, ipv6, name, digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return refused("a port is a number from 1 to 65535");
  return { ok: true, address: { host: ipv6 ?? name ?? "", port } };
}

function refused(problem: string): ParsedAddress {
  return { ok: false, problem };
}
