// The rule about the end: on SIGTERM what is under way is answered, and the process ends by itself.

import { ask, plainRoutes, poolTo, type Candidate } from "./candidate.ts";
import { failed, passed, type Finding } from "./verdict.ts";

const underWay = 16;
const longestMs = 10_000;

/**
 * Requests sent just before it is told to end are answered (a fast app has answered them by then); then it exits with status
 * 0, within 10 s.
 */
export async function gracefulStop(candidate: Candidate): Promise<Finding> {
  const path = plainRoutes(candidate.api)[0] ?? candidate.health;
  await using pool = poolTo(candidate, underWay);
  // Connected, so that what follows is a request and not a connection that it may refuse.
  await Promise.all(Array.from({ length: underWay }, () => ask(pool, path)));
  const asked = Promise.allSettled(Array.from({ length: underWay }, () => ask(pool, path)));
  const ended = await candidate.terminate();
  const answered = (await asked).filter((one) => one.status === "fulfilled" && one.value.status === 200).length;
  const how = ended.signal === undefined ? `exit status ${ended.code}` : `ended by ${ended.signal}`;
  const told = `${answered} of ${underWay} requests sent just before were answered; ${how} after ${Math.round(ended.ms)} ms`;
  const isRight = answered === underWay && ended.code === 0 && ended.ms <= longestMs;
  return isRight ? passed(told) : failed(told);
}
