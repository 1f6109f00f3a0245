// The commands' side of the supervisor's socket.

import { type Socket, connect } from "node:net";

import { MeshError, messageOf, systemErrorCode } from "../../errors.ts";
import { ownership } from "../places.ts";
import type { ProcessStatus } from "../runtime.ts";
import { isExitEvent, resultOf } from "./answer.ts";
import { type Answers, type Request, supervisorSocket, toLine } from "./protocol.ts";

export interface AskOptions {
  readonly runDir: string;
  /** Milliseconds after which a supervisor that says nothing counts as hung. */
  readonly deadlineMs: number;
}

/**
 * Sends one request. undefined: no supervisor runs there, or it was killed before it could answer.
 *
 * @throws MeshError MESH_SUPERVISOR when it does not answer in time, or answers that it could not
 */
export async function ask<Op extends Request["op"]>(
  request: Extract<Request, { op: Op }>,
  { runDir, deadlineMs }: AskOptions,
): Promise<Answers[Op] | undefined> {
  const socket = await connectIn(runDir);
  if (socket === undefined) return undefined;
  socket.setTimeout(deadlineMs, () => socket.destroy(new Error(`it said nothing for ${deadlineMs} ms`)));
  try {
    socket.write(toLine(request));
    for await (const line of linesOf(socket)) return resultOf<Op>(request.op, line);
    throw new Error("it closed the connection");
  } catch (error) {
    if (await isGone(runDir)) return undefined;
    throw new MeshError(
      "MESH_SUPERVISOR",
      `the supervisor of ${runDir} did not do "${request.op}": ${messageOf(error)}`,
      {
        fix: "./mesh up again: a supervisor that hangs is ended, and all it started with it",
        cause: error,
      },
    );
  } finally {
    socket.destroy();
  }
}

/** Each death until the signal is aborted; ends when the supervisor does. */
export async function* exitEvents(runDir: string, signal: AbortSignal): AsyncGenerator<ProcessStatus> {
  const socket = await connectIn(runDir);
  if (socket === undefined) return;
  const stop = (): void => void socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) return;
    socket.write(toLine({ op: "exits" }));
    for await (const line of linesOf(socket)) {
      const event: unknown = JSON.parse(line);
      if (isExitEvent(event)) yield event.exit;
    }
  } catch (error) {
    // Ended by the signal, or by a supervisor that was killed.
    if (!signal.aborted && systemErrorCode(error) !== "ECONNRESET") throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

async function isGone(runDir: string): Promise<boolean> {
  const socket = await connectIn(runDir);
  socket?.destroy();
  return socket === undefined;
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = "";
  socket.setEncoding("utf8");
  for await (const chunk of socket) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** In a folder that somebody else has put in the place of ours no supervisor of ours listens. */
async function connectIn(runDir: string): Promise<Socket | undefined> {
  if ((await ownership(runDir, process.getuid?.() ?? 0)) !== "ours") return undefined;
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>();
  const socket = connect(supervisorSocket(runDir));
  const onError = (error: Error): void => {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") resolve(undefined);
    else reject(error);
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    socket.off("error", onError);
    resolve(socket);
  });
  return promise;
}
