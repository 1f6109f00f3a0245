// What somebody on the machine can try as one of its users: open a file, open a socket, call gRPC or HTTP there. It runs as
// text in a process of that user (attackers.ts), who may not even read this checkout: so it imports Node's own alone.

import { open, rm } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

export type Place = { readonly socket: string } | { readonly host: string; readonly port: number };

export type Task =
  | { readonly does: "open"; readonly path: string }
  /** A file in this folder, for a moment. */
  | { readonly does: "make"; readonly path: string }
  /** Sends `raw` once connected; with nothing to send it is enough to be connected. */
  | { readonly does: "connect"; readonly to: Place; readonly raw?: string }
  | GrpcCall;

export interface GrpcCall {
  readonly does: "call";
  readonly to: Place;
  /** `/spire.api.server.entry.v1.Entry/ListEntries`. */
  readonly method: string;
  /** Protocol buffer of the request, in base64. */
  readonly message?: string;
  /** What is sent after the first answer, and only then. */
  readonly second?: string;
  /** The first answer is enough; with `both` the request stays open too, whose end a server takes for a goodbye. */
  readonly streams?: "answers" | "both";
  readonly metadata?: Readonly<Record<string, string>>;
  /** PEM, over TCP; without it no client certificate. */
  readonly shown?: { readonly cert: string; readonly key: string };
  /** From another loopback address each: SPIRE Server limits attestations by address. */
  readonly from?: string;
}

export interface Answer {
  /** `opened`, `made`, `connected`, a system error's code, or a gRPC status as `PermissionDenied: why`. */
  readonly said: string;
  /** What came with it, byte by byte (latin1). */
  readonly body: string;
}

const deadlineMs = 5000;
const statuses =
  "OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated".split(
    " ",
  );

export async function perform(task: Task): Promise<Answer> {
  if (task.does === "open") return openedAt(task.path);
  if (task.does === "make") return madeIn(task.path);
  return task.does === "call" ? call(task) : dial(task.to, task.raw);
}

/** For reading; that is when the kernel says no, to files and folders alike. */
async function openedAt(path: string): Promise<Answer> {
  try {
    await using _file = await open(path, "r");
    return { said: "opened", body: "" };
  } catch (error) {
    return { said: codeOf(error), body: "" };
  }
}

async function madeIn(folder: string): Promise<Answer> {
  const file = `${folder}/made-by-${process.pid}`;
  try {
    await using _file = await open(file, "wx");
    await rm(file);
    return { said: "made", body: "" };
  } catch (error) {
    return { said: codeOf(error), body: "" };
  }
}

function dial(to: Place, raw: string | undefined): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = connect("socket" in to ? { path: to.socket } : to);
  let body = "";
  socket.setTimeout(deadlineMs, () => {
    resolve({ said: "no answer", body });
    socket.destroy();
  });
  socket.on("error", (error) => resolve({ said: codeOf(error), body }));
  socket.on("data", (data: Buffer) => (body += data.toString("latin1")));
  socket.on("close", () => resolve({ said: "connected", body }));
  socket.on("connect", () => (raw === undefined ? socket.destroy() : socket.write(raw)));
  return promise;
}

function call(task: GrpcCall): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const session = connectHttp2("http://localhost", { createConnection: () => connectionTo(task) });
  const answered = (said: string, body: Buffer): void => {
    resolve({ said, body: body.toString("latin1") });
    session.destroy();
  };
  let body = Buffer.alloc(0);
  const timer = setTimeout(() => answered("no answer", body), deadlineMs);
  session.on("close", () => {
    clearTimeout(timer);
    resolve({ said: "connection closed", body: "" });
  });
  session.on("error", (error) => answered(codeOf(error), body));
  const stream = session.request({
    ":method": "POST",
    ":path": task.method,
    "content-type": "application/grpc",
    te: "trailers",
    ...task.metadata,
  });
  const told = (headers: Readonly<Record<string, unknown>>): void => {
    const status = headers["grpc-status"];
    if (status === undefined) return;
    const name = statuses[Number(status)] ?? "";
    const message = headers["grpc-message"];
    const why = typeof message === "string" ? decodeURIComponent(message) : "";
    answered(why === "" ? name : `${name}: ${why}`, body);
  };
  let sent = 1;
  stream.on("response", told);
  stream.on("trailers", told);
  stream.on("error", (error) => answered(codeOf(error), body));
  stream.on("data", (data: Buffer) => {
    body = Buffer.concat([body, data]);
    if (task.streams === undefined || body.length < 5 || body.length < 5 + body.readUInt32BE(1)) return;
    if (task.second === undefined || sent > 1) answered("OK", body);
    else {
      sent += 1;
      body = Buffer.alloc(0);
      stream.write(framed(task.second));
    }
  });
  stream.write(framed(task.message ?? ""));
  if (task.streams !== "both") stream.end();
  return promise;
}

function connectionTo({ to, shown, from }: GrpcCall) {
  if ("socket" in to) return connect({ path: to.socket });
  return connectTls({
    ...to,
    ...(from === undefined ? {} : { localAddress: from }),
    ...shown,
    ALPNProtocols: ["h2"],
    // The attacker does not mind whom it attacks.
    rejectUnauthorized: false,
  });
}

/** gRPC's length-prefixed message. */
function framed(base64: string): Buffer {
  const message = Buffer.from(base64, "base64");
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** What its process does: tasks come by Node's channel, and go with it. */
export function serve(): void {
  process.on("message", ({ id, task }: { readonly id: number; readonly task: Task }) => {
    void perform(task).then((answer) => process.send?.({ id, answer }));
  });
  process.on("disconnect", () => process.exit());
}
