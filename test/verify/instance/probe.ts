// The attacker's client: TLS with whatever certificate, raw bytes, and what came of it after writing *and* reading. In
// TLS 1.3 a client believes itself connected before its certificate was judged. It may run in a container (network.ts), so it
// imports Node's own alone.

import { connect as connectTcp } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

import type { HostPort } from "../../../scripts/model/mesh.ts";
import type { Shown } from "./authority.ts";

export type Seen =
  | { readonly kind: "http"; readonly status: number; readonly text: string; readonly session: SessionFacts }
  /** Name of the TLS alert, in OpenSSL's words. */
  | { readonly kind: "alert"; readonly name: string }
  /** The other side ended it without a word, or this side could not go on. */
  | { readonly kind: "closed"; readonly code?: string }
  | { readonly kind: "timeout" }
  /** Whatever else answered: a file system, an API. */
  | { readonly kind: "told"; readonly text: string };

export interface SessionFacts {
  readonly protocol: string;
  readonly reused: boolean;
  /** The protocol agreed on by ALPN; empty: none. */
  readonly alpn: string;
  /** The key exchange, `X25519MLKEM768`; empty when Node cannot tell. */
  readonly keyExchange: string;
}

export const noSession: SessionFacts = { protocol: "", reused: false, alpn: "", keyExchange: "" };

export interface ProbeOptions extends Omit<ConnectionOptions, "host" | "port" | "cert" | "key"> {
  readonly shown?: Shown | undefined;
  readonly raw: string | Buffer;
  readonly deadlineMs?: number;
  /** What the attacker does on the open connection once `raw` is written. */
  readonly next?: (socket: TLSSocket) => void;
}

/** One connection over TLS: sends `raw`, reads until the other side has answered and closed. */
export async function probe(
  address: HostPort,
  { shown, raw, deadlineMs = 3000, next, ...tls }: ProbeOptions,
): Promise<Seen> {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  const socket = connect({
    ...address,
    ...(shown === undefined ? {} : { cert: shown.cert, key: shown.key }),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    // The attacker's own library must not refuse what the sidecar should.
    ciphers: "DEFAULT@SECLEVEL=0",
    ...tls,
  });
  let text = "";
  let failure: unknown;
  let session = noSession;
  socket.setTimeout(deadlineMs, () => {
    resolve(text === "" ? { kind: "timeout" } : seenIn(text, session, undefined));
    socket.destroy();
  });
  socket.on("secureConnect", () => {
    session = {
      protocol: socket.getProtocol() ?? "",
      reused: socket.isSessionReused(),
      alpn: socket.alpnProtocol === false || socket.alpnProtocol === null ? "" : socket.alpnProtocol,
      keyExchange: keyExchangeOf(socket.getEphemeralKeyInfo()),
    };
    socket.write(raw);
    next?.(socket);
  });
  socket.on("data", (data: Buffer) => {
    text += data.toString("latin1");
    // Envoy waits a second for who does not hang up first, so that an answer is not lost in a reset.
    if (saidLast(text)) socket.end();
  });
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => resolve(seenIn(text, session, failure)));
  return promise;
}

/** The same without TLS; also to a Unix socket. */
export async function probePlain(
  address: HostPort | { readonly path: string },
  raw: string | Buffer,
  deadlineMs = 3000,
): Promise<Seen> {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  const socket = connectTcp(address);
  let text = "";
  let failure: unknown;
  socket.setTimeout(deadlineMs, () => {
    resolve({ kind: "timeout" });
    socket.destroy();
  });
  socket.on("connect", () => socket.write(raw));
  socket.on("data", (data: Buffer) => {
    text += data.toString("latin1");
    if (saidLast(text)) socket.end();
  });
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => resolve(seenIn(text, noSession, failure)));
  return promise;
}

/** Whether an answer with `connection: close` is there to the end. */
function saidLast(text: string): boolean {
  const at = text.search(/^connection: close\r$/m);
  const end = text.indexOf("\r\n\r\n", at);
  if (at < 0 || end < 0) return false;
  const head = text.slice(text.lastIndexOf("HTTP/1.", at), end + 2);
  const length = /^content-length: (\d+)\r$/m.exec(head)?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}

function seenIn(text: string, session: SessionFacts, failure: unknown): Seen {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (status !== undefined) return { kind: "http", status: Number(status), text, session };
  const code = failure instanceof Error && "code" in failure ? String(failure.code) : undefined;
  const alert = /ALERT_([A-Z0-9_]+)$|TLSV1_(UNRECOGNIZED_NAME)$/.exec(code ?? "");
  if (alert !== null) return { kind: "alert", name: (alert[1] ?? alert[2] ?? "").toLowerCase() };
  return { kind: "closed", ...(code === undefined ? {} : { code }) };
}

function keyExchangeOf(info: object | null): string {
  return info !== null && "name" in info ? String(info.name) : "";
}

/** What somebody without a certificate is offered before he is refused; he sends nothing. */
export async function offered(address: HostPort, ALPNProtocols: readonly string[]): Promise<Seen> {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  const socket = connect({ ...address, rejectUnauthorized: false, ALPNProtocols: [...ALPNProtocols] });
  socket.setTimeout(3000, () => socket.destroy());
  socket.once("secureConnect", () => {
    resolve({ kind: "told", text: `${socket.alpnProtocol || "no protocol"} over ${socket.getProtocol()}` });
    socket.destroy();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => resolve({ kind: "closed" }));
  return promise;
}
