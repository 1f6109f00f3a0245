// A canary: some of the requests go to the new app, until enough of them were answered to compare it with the one that serves.

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import { answersSince, percentile, slotAnswers, type SlotAnswers } from "../observe/slots.ts";
import type { Admin } from "../observe/envoy-admin.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import type { SlotNumber } from "../plan/slots.ts";
import { until } from "../wait.ts";

export interface Canary {
  /** Of the requests; 1 to 99. */
  readonly percent: number;
  /** Answers of the new app after which it is judged. */
  readonly requests: number;
  /** Points by which its share of failures may be the larger. */
  readonly failurePoints: number;
  /** How many times the other's p99 its own may be. */
  readonly slowerBy: number;
}

export const usualCanary = { requests: 200, failurePoints: 1, slowerBy: 2 } as const;

interface Observation extends Canary {
  readonly sidecar: SidecarPlan;
  /** Of that sidecar. */
  readonly admin: Admin;
  readonly old: SlotNumber;
  readonly candidate: SlotNumber;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Requests decide how long it takes; nobody waits for ever for those of a mesh that nobody uses. */
const longestMs = 30 * 60_000;
/** So few answers are enough to see that most of them fail. */
const fewest = 20;

/** Below this a p99 is the noise of the machine. */
const noiseMs = 10;

/**
 * Returns what was seen when the new app answered as well.
 *
 * @throws MeshError MESH_CANARY_WORSE with the figures of both; MESH_TIMEOUT when too few requests came
 */
export async function observeCanary(observation: Observation): Promise<string> {
  const { sidecar, admin, old, candidate, requests, report, signal } = observation;
  const answers = (slot: SlotNumber): Promise<SlotAnswers> => slotAnswers(admin, sidecar, slot);
  const start = { old: await answers(old), candidate: await answers(candidate) };
  const enough = async (): Promise<string | undefined> => {
    const since = {
      old: answersSince(start.old, await answers(old)),
      candidate: answersSince(start.candidate, await answers(candidate)),
    };
    const done = since.candidate.requests;
    report({ kind: "progress", stage: "canary", message: `${done} of ${requests} requests` });
    const isHopeless = done >= fewest && since.candidate.failures > done / 2;
    if (done < requests && !isHopeless) return undefined;
    return judged(since.old, since.candidate, observation);
  };
  return until(`the new app has answered ${requests} requests`, enough, {
    deadlineMs: longestMs,
    intervalMs: 250,
    signal,
    fix: "send it requests, or swap without --canary",
  });
}

function judged(old: SlotAnswers, candidate: SlotAnswers, { failurePoints, slowerBy }: Canary): string {
  const told = `new: ${inWords(candidate)}; old: ${inWords(old)}`;
  const [oldP99 = 0, newP99 = 0] = [percentile(old, 0.99), percentile(candidate, 0.99)];
  const fails = share(candidate) > share(old) + failurePoints;
  const lags = newP99 > Math.max(noiseMs, oldP99 * slowerBy);
  if (!fails && !lags) return told;
  throw new MeshError(
    "MESH_CANARY_WORSE",
    `the new app ${fails ? "failed more often" : "was slower"} than the old one`,
    {
      details: [told],
      fix: "the old one serves; see what the new one said, above",
    },
  );
}

/** Of failures, in percent. */
function share({ requests, failures }: SlotAnswers): number {
  return requests === 0 ? 0 : (failures / requests) * 100;
}

function inWords(answers: SlotAnswers): string {
  const p99 = percentile(answers, 0.99);
  const times = p99 === undefined ? "" : `, p99 ${p99} ms`;
  return `${answers.requests} requests, ${share(answers).toFixed(1)} % failed${times}`;
}
