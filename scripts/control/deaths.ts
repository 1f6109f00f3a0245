// Lets a wait end at once when a process it waits for keeps dying, with the reason and its last words.

import { MeshError } from "../errors.ts";
import type { SlotRuntime, ProcessStatus } from "../runtime/runtime.ts";

/** A process may die once or twice while others are still coming up; then it will not get better by waiting. */
const toleratedDeaths = 2;
const lastLines = 12;

export interface Deaths {
  /** Rejects with MESH_PROCESS_FAILED; never resolves. */
  readonly failed: Promise<never>;
  /** Aborted with the same reason, so that whatever waits ends too. */
  readonly signal: AbortSignal;
  readonly stop: () => void;
}

/** Watches until stopped. `signal` ends it too. */
export function watchDeaths(runtime: Pick<SlotRuntime, "exits" | "logs">, signal: AbortSignal): Deaths {
  const watching = new AbortController();
  const failure = new AbortController();
  const failed = (async (): Promise<never> => {
    const counts = new Map<string, number>();
    for await (const status of runtime.exits(AbortSignal.any([signal, watching.signal]))) {
      const count = (counts.get(status.name) ?? 0) + 1;
      counts.set(status.name, count);
      if (status.state !== "failed" && count <= toleratedDeaths) continue;
      const error = await deathError(runtime, status);
      failure.abort(error);
      throw error;
    }
    return await new Promise<never>(() => {});
  })();
  failed.catch(() => {
    // Whoever races against it sees the error; a race that is already over must not end the program.
  });
  return { failed, signal: AbortSignal.any([signal, failure.signal]), stop: () => watching.abort() };
}

async function deathError(runtime: Pick<SlotRuntime, "logs">, status: ProcessStatus): Promise<MeshError> {
  const { name, lastExit } = status;
  const lines: string[] = [];
  for await (const { text } of runtime.logs([name], { lines: lastLines, follow: false })) lines.push(text);
  const what = lastExit?.during === "build" ? `the build of ${name}` : name;
  return new MeshError("MESH_PROCESS_FAILED", `${what} ${howItEnded(status)}`, {
    details: lines,
    fix: `./mesh logs ${name}`,
  });
}

function howItEnded({ lastExit }: ProcessStatus): string {
  if (lastExit === undefined) return "ended";
  if (lastExit.error !== undefined) return `could not be started: ${lastExit.error}`;
  if (lastExit.signal !== undefined) return `was ended by ${lastExit.signal}`;
  return `ended with exit status ${lastExit.code ?? "unknown"}`;
}
