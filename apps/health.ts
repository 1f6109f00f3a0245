// The health check of an app in a container: node apps/health.ts HEALTHPATH [UPSTREAM=PATH]… asks the app itself, and
// through its own sidecar each upstream, and ends with status 0 once all have answered. It waits for that; a reason on
// standard output is what `docker inspect` shows of an app that is not healthy.

import { request } from "node:http";
import { writeSync } from "node:fs";

import { parseAddress, type Address } from "./plugins/address.ts";
import { upstreamVariable } from "./plugins/environment.ts";

interface Question {
  /** `LISTEN`, or the variable of an upstream. */
  readonly variable: string;
  readonly address: Address;
  readonly path: string;
}

/** Less than the timeout of the health check, whose end would tell no reason. */
const deadlineMs = 30_000;
const answerWithinMs = 2000;
const betweenLooksMs = 100;

/** sysexits.h: EX_CONFIG. */
const misconfigured = 78;

const [healthPath = "/health", ...upstreams] = process.argv.slice(2);
const questions = [question("LISTEN", healthPath), ...upstreams.map(upstreamQuestion)];
const reason = await firstReason(questions);
if (reason !== undefined) fail(1, reason);

function upstreamQuestion(argument: string): Question {
  const [name = "", path = "/"] = argument.split("=", 2);
  return question(upstreamVariable(name), path);
}

function question(variable: string, path: string): Question {
  const text = process.env[variable] ?? "";
  const parsed = parseAddress(text);
  if (!parsed.ok) return fail(misconfigured, `${variable}=${text}: ${parsed.problem}`);
  return { variable, address: parsed.address, path };
}

function fail(status: number, why: string): never {
  writeSync(1, `${why}\n`);
  process.exit(status);
}

/** Asks one after the other, each until it has answered or time is up; what is wrong then. */
async function firstReason(asked: readonly Question[]): Promise<string | undefined> {
  const end = performance.now() + deadlineMs;
  for (const one of asked) {
    for (let why = await ask(one); why !== undefined; why = await ask(one)) {
      if (performance.now() > end) return why;
      await pause(betweenLooksMs);
    }
  }
  return undefined;
}

/** What is wrong with the answer; undefined: nothing. */
async function ask({ variable, address, path }: Question): Promise<string | undefined> {
  try {
    const { status, body } = await get(address, path);
    // An upstream's app may say no to an anonymous question, but not that there is no such thing; what a sidecar says in its
    // place is no answer.
    const isAnswer =
      variable === "LISTEN"
        ? status === 200
        : status < 500 && ![404, 405].includes(status) && body !== "RBAC: access denied";
    return isAnswer ? undefined : `${variable}: GET ${path} was answered with ${status}`;
  } catch (error) {
    return `${variable}: GET ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

interface Answer {
  readonly status: number;
  /** As far as its beginning tells. */
  readonly body: string;
}

function get(address: Address, path: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const at = "socket" in address ? { socketPath: address.socket } : address;
  const asking = request({ ...at, path, agent: false, signal: AbortSignal.timeout(answerWithinMs) }, (answer) => {
    let body = "";
    answer.setEncoding("utf8");
    answer.on("data", (piece: string) => (body = `${body}${piece}`.slice(0, 100)));
    answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    answer.on("error", reject);
  });
  asking.on("error", reject);
  asking.end();
  return promise;
}

async function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  await promise;
}
