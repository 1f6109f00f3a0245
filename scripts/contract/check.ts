// The app contract, executed: every rule of docs/app-contract.md that can be seen from outside, with a verdict each.

import { callers, errors, health, routes } from "./answers.ts";
import type { Candidate } from "./candidate.ts";
import { gracefulStop } from "./ends.ts";
import { concurrency, keptConnections, largeBodies, slowReaders } from "./load.ts";
import { lookout } from "./reach.ts";
import { judge, type Verdict } from "./verdict.ts";

type Check = (candidate: Candidate) => ReturnType<typeof health>;

/** In this order: what others rest on comes first, the end last. */
const checks: readonly (readonly [rule: string, title: string, check: Check])[] = [
  ["health", "answers 200 on its health route", health],
  ["routes", "answers as its OpenAPI document says", routes],
  ["errors", "says what is not there, with a code and a message", errors],
  ["callers", "takes exactly one caller from x-forwarded-client-cert", callers],
  ["concurrency", "answers many requests at once", concurrency],
  ["bodies", "survives a large body", largeBodies],
  ["slow-readers", "answers a slow reader whole", slowReaders],
  ["kept-connections", "keeps idle connections longer than its sidecar", keptConnections],
  ["stop", "answers what is under way on SIGTERM and exits with status 0", gracefulStop],
];

/**
 * Checks an app that is up. It is ended by SIGTERM once, at the end: whoever started it starts it again. About 5 s, most of
 * it silence on a kept connection.
 */
export async function checkContract(candidate: Candidate): Promise<readonly Verdict[]> {
  const watch = lookout(candidate);
  const verdicts: Verdict[] = [];
  for (const [rule, title, check] of checks) {
    await watch.look();
    const pending = judge(rule, title, () => check(candidate));
    await watch.look();
    verdicts.push(await pending);
  }
  verdicts.push(await judge("network", "uses no network but its own address", async () => watch.network()));
  verdicts.push(await judge("material", "touches no TLS material", async () => watch.material()));
  return verdicts;
}

/** A rule that was not checked stands in nobody's way, and passes nothing. */
export function isMet(verdicts: readonly Verdict[]): boolean {
  return verdicts.every(({ verdict }) => verdict !== "failed");
}
