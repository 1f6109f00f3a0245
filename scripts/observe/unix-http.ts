// HTTP/1.1 over a Unix socket with a deadline: Envoy's admin, an outbound listener, a controller. node:http, because
// undici costs each controller 13 MB and the CLI 50 ms, and needs nothing that these calls lack.

import { request as httpRequest, type IncomingHttpHeaders } from "node:http";

import { messageOf, systemErrorCode } from "../errors.ts";

export interface UnixRequest {
  readonly socket: string;
  readonly path: string;
  /** GET unless given. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Milliseconds for everything: connecting, the answer and its body. */
  readonly deadlineMs: number;
}

export interface UnixResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Whoever answers may be an app or a controller of somebody else's: it must not take all memory. */
const maxBodyBytes = 16 * 1024 * 1024;

/**
 * One exchange over a connection of its own.
 *
 * @throws a system error (`ENOENT`, `ECONNREFUSED`, `ECONNRESET`, `EACCES`); an AbortError when the deadline passed
 */
export function requestUnix(options: UnixRequest): Promise<UnixResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<UnixResponse>();
  const request = httpRequest({
    socketPath: options.socket,
    path: options.path,
    method: options.method ?? "GET",
    headers: { host: "localhost", ...options.headers },
    agent: false,
    signal: AbortSignal.timeout(options.deadlineMs),
  });
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) response.destroy(new Error(`the answer is larger than ${maxBodyBytes} bytes`));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      });
    });
  });
  request.end(options.body);
  return promise;
}

/** Why nothing answered at an address or socket, in words. */
export function unreachable(error: unknown, where: string): string {
  switch (systemErrorCode(error)) {
    case "ECONNREFUSED":
      return `nothing listens on ${where}`;
    case "ENOENT":
      return `${where} does not exist`;
    case "EACCES":
      return `${where} may not be opened by this user`;
    case "ECONNRESET":
      return `${where} closed the connection`;
    case "ABORT_ERR":
      return `${where} accepted and did not answer in time`;
    default:
      return `${where}: ${messageOf(error)}`;
  }
}
