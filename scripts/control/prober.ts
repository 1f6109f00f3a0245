// Asks an app in a container what a swap wants to know, from beside its sidecar: node scripts/control/prober.ts in
// <workload>-contract. One request as a line of JSON on standard input, answers as lines on standard output. What needs the
// engine (to have the app end) it asks of whoever called it.

import { createInterface } from "node:readline";

import type { ApiDocument, Candidate, Ended } from "../contract/candidate.ts";
import { checkContract } from "../contract/check.ts";
import type { Verdict } from "../contract/verdict.ts";
import { exitStatus } from "../errors.ts";
import { isReady } from "../observe/readiness.ts";
import type { AppEndpoint, Probe } from "../plan/plan.ts";
import { listensPastLoopback } from "../runtime/listening.ts";
import { until } from "../wait.ts";

export type ProberRequest =
  /** `uid`: whose app it is, when others could pass its sidecar by. */
  | { readonly untilReady: Probe; readonly deadlineMs: number; readonly uid?: number }
  | { readonly check: Pick<AppEndpoint, "address" | "health">; readonly api?: ApiDocument };

export type ProberAnswer =
  | { readonly ready: boolean; readonly isReachable?: boolean }
  | { readonly terminate: true }
  | { readonly verdicts: readonly Verdict[] };

/** To `terminate`. */
export type Terminated = { readonly ended: Ended } | { readonly failed: string };

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done === true) process.exitCode = exitStatus.usage;
else await answer(first.value);

async function answer(line: string): Promise<void> {
  const request: ProberRequest = JSON.parse(line);
  if ("untilReady" in request) {
    const { untilReady, deadlineMs, uid } = request;
    const ready = await becomesReady(untilReady, deadlineMs);
    say({ ready, ...(uid === undefined ? {} : { isReachable: listensPastLoopback(uid) }) });
  } else say({ verdicts: await checkContract(candidateAt(request)) });
  process.stdin.destroy();
}

function say(words: ProberAnswer): void {
  process.stdout.write(`${JSON.stringify(words)}\n`);
}

async function becomesReady(probe: Probe, deadlineMs: number): Promise<boolean> {
  try {
    return await until("it is ready", () => isReady(probe), { deadlineMs, intervalMs: 20 });
  } catch {
    return false; // Time is up: whoever asked says so.
  }
}

function candidateAt({ check, api }: Extract<ProberRequest, { readonly check: unknown }>): Candidate {
  return {
    ...check,
    api,
    // Its processes are in a namespace of their own.
    pid: () => Promise.resolve(undefined),
    terminate: async () => {
      say({ terminate: true });
      const { value = "" } = await lines.next();
      const answered: Terminated = JSON.parse(value);
      if ("failed" in answered) throw new Error(answered.failed);
      return answered.ended;
    },
  };
}
