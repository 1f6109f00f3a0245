// Calling another workload through the sidecar's outbound socket: kept-alive connections, and a limit on every wait.

import type { IncomingHttpHeaders } from "node:http";

import type { Pool } from "undici";

import type { Address } from "./address.ts";

/** Why there is no usable answer. */
export type UpstreamFailure = "UNREACHABLE" | "TIMEOUT" | "STATUS" | "INVALID";

/** The upstream gave no usable answer. The message is for logs: it may name sockets and system errors. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly failure: UpstreamFailure;

  constructor(failure: UpstreamFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface UpstreamAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, of any shape. */
  readonly body: unknown;
}

export interface Upstream {
  /**
   * GETs JSON.
   *
   * @throws UpstreamError when there is no 200 with JSON in time
   */
  readonly getJson: (path: string) => Promise<UpstreamAnswer>;
  /** Loads the HTTP client ahead of the first call. */
  readonly warm: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface UpstreamOptions {
  /** For messages and the Host header. */
  readonly name: string;
  readonly address: Address;
  /** Milliseconds from the call to the last byte of the answer. */
  readonly timeoutMs: number;
}

const maxBodyBytes = 1024 * 1024;
const maxConnections = 16;
/** Idle connections end here, before Envoy would end them, so that no request meets a closing connection. */
const keepAliveMs = 30_000;

/** Names an upstream. Nothing is opened and no client loaded before the first call or `warm`. */
export function createUpstream({ name, address, timeoutMs }: UpstreamOptions): Upstream {
  let pool: Promise<Pool> | undefined;
  const open = (): Promise<Pool> => (pool ??= openPool(name, address, timeoutMs));
  return {
    getJson: async (path) => getJson(await open(), { name, path, timeoutMs }),
    warm: async () => void (await open()),
    close: async () => (await pool)?.destroy(),
  };
}

/** undici takes as long to load as the rest of an app, so it is loaded once the app answers. */
async function openPool(name: string, address: Address, timeoutMs: number): Promise<Pool> {
  const { Pool: LoadedPool } = await import("undici");
  const origin = "socket" in address ? `http://${name}` : originOf(address.host, address.port);
  return new LoadedPool(origin, {
    ...("socket" in address ? { socketPath: address.socket } : {}),
    connections: maxConnections,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxResponseSize: maxBodyBytes,
  });
}

function originOf(host: string, port: number): string {
  return host.includes(":") ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}

async function getJson(
  pool: Pool,
  { name, path, timeoutMs }: { name: string; path: string; timeoutMs: number },
): Promise<UpstreamAnswer> {
  // The pool's own limits are per phase and coarse; this one is for the call as a whole.
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { statusCode, headers, body } = await pool.request({ method: "GET", path, signal });
    if (statusCode !== 200) {
      await body.dump();
      throw new UpstreamError("STATUS", `${name} answered ${statusCode}`);
    }
    return { headers, body: parseJson(name, await body.text()) };
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    if (signal.aborted) throw new UpstreamError("TIMEOUT", `${name} did not answer within ${timeoutMs} ms`);
    throw upstreamError(name, error);
  }
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UpstreamError("INVALID", `${name} answered something that is not JSON`, { cause: error });
  }
}

/** Errors of undici that mean the answer itself was wrong; what else fails is the way there. */
const invalidAnswers = new Set([
  "HTTPParserError",
  "ResponseContentLengthMismatchError",
  "ResponseExceededMaxSizeError",
]);

function upstreamError(name: string, error: unknown): UpstreamError {
  if (!(error instanceof Error)) return new UpstreamError("UNREACHABLE", `${name}: ${String(error)}`);
  return new UpstreamError(failureOf(error), `${name}: ${error.message}`, { cause: error });
}

function failureOf(error: Error): UpstreamFailure {
  if (invalidAnswers.has(error.name)) return "INVALID";
  return error.name.endsWith("TimeoutError") ? "TIMEOUT" : "UNREACHABLE";
}
