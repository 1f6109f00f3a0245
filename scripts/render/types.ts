// Envoy's configuration as plain objects: what the renderers build and yaml.ts prints.

/** A JSON-like tree. The same object standing in two places is printed once, with an anchor. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export type Fields = { readonly [key: string]: Value };

const packagePrefix = "type.googleapis.com/";

/** A `typed_config`: the message's full name and its fields. */
export function typed(message: string, fields: Fields = {}): Fields {
  return { "@type": `${packagePrefix}${message}`, ...fields };
}

/** A named extension, as filters, transport sockets and access loggers are written. */
export function extension(name: string, message: string, fields: Fields = {}): Fields {
  return { name, typed_config: typed(message, fields) };
}

export function seconds(count: number): string {
  return `${count}s`;
}

export function milliseconds(count: number): string {
  return `${count / 1000}s`;
}

/** Envoy's Address for an IP address and port or a Unix socket. */
export function address(of: { readonly socket: string } | { readonly host: string; readonly port: number }): Fields {
  if ("socket" in of) return { pipe: { path: of.socket } };
  return { socket_address: { address: of.host, port_value: of.port } };
}
