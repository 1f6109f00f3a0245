// How a swap asks what lies inside a mesh in containers: controllers and sidecars through the controller's container, an app
// from the container beside it that has its socket (<workload>-contract).

import type { Ended } from "../contract/candidate.ts";
import type { Verdict } from "../contract/verdict.ts";
import { MeshError, messageOf } from "../errors.ts";
import { adminBody, adminDeadlineMs } from "../observe/envoy-admin.ts";
import { ownPart } from "../plan/own-part.ts";
import { processName } from "../plan/layout.ts";
import type { Process } from "../plan/plan.ts";
import { type ComposeProject, compose, composeFailed, converse, docker } from "../runtime/compose-project.ts";
import { type Container, containersOf } from "../runtime/containers.ts";
import { until, type WaitOptions } from "../wait.ts";
import { askContainer } from "./ask-container.ts";
import { type CandidateAt, endpointOf, whenReady } from "./candidate.ts";
import type { ProberAnswer, ProberRequest, Terminated } from "./prober.ts";
import type { Within } from "./within.ts";

/** An app has 10 s; then it does not end by itself. */
const endMs = 15_000;

export function withinContainers(project: ComposeProject): Within {
  const ask = askContainer(project);
  return {
    ask,
    part: ownPart,
    admin:
      ({ controller }, { adminSocket: socket }) =>
      async (path) =>
        adminBody(path, await ask(controller.process, { socket, path, deadlineMs: adminDeadlineMs })),
    untilReady: (process, options) => untilReady(project, process, options),
    lastWords: (error, process) => lastWords(project, error, process),
    checkContract: (process, at) => checkContract(project, process, at),
  };
}

async function untilReady(project: ComposeProject, process: Process, options: WaitOptions): Promise<void> {
  const { name, ready, listens, user } = process;
  const { deadlineMs, signal = new AbortController().signal, fix } = options;
  if (ready === undefined) return;
  let isReady = false;
  let isReachable = false;
  await askProber(project, process, {
    // Whoever shares the network namespace of its sidecar can be spoken to past that.
    request: { untilReady: ready, deadlineMs, ...(listens.length === 0 ? {} : { uid: user.uid }) },
    signal,
    answer: async (words) => {
      isReady = "ready" in words && words.ready;
      isReachable = "ready" in words && words.isReachable === true;
      return Promise.resolve(undefined);
    },
  });
  if (isReachable)
    throw new MeshError(
      "MESH_PROCESS_FAILED",
      `${name} listens on more than loopback, where others pass its sidecar by`,
      {
        fix: `have it listen on ${process.env["LISTEN"]} alone`,
      },
    );
  if (isReady) return;
  const seconds = (deadlineMs / 1000).toFixed(1);
  throw new MeshError("MESH_TIMEOUT", `after ${seconds} s still not true: ${whenReady(process)}`, {
    fix: fix ?? `./mesh logs ${name}`,
  });
}

const lastLines = 12;

async function lastWords(project: ComposeProject, error: MeshError, { name }: Process): Promise<MeshError> {
  const { code, message, details, fix } = error;
  if (fix?.startsWith("./mesh logs ") !== true) return error;
  const words = ["logs", "--no-color", "--no-log-prefix", "--tail", String(lastLines), name];
  const said = details.length > 0 ? details : (await compose(project, words)).stdout.trim().split("\n");
  const has = said.some((line) => line !== "");
  return new MeshError(code, message, {
    details: has ? said : [],
    fix: `${has ? "mend what it said last, above" : "it said nothing"}; its container is gone`,
  });
}

async function checkContract(project: ComposeProject, process: Process, at: CandidateAt): Promise<readonly Verdict[]> {
  const { api, signal } = at;
  const { address, health } = endpointOf(at);
  let verdicts: readonly Verdict[] | undefined;
  await askProber(project, process, {
    request: { check: { address, health }, ...(api === undefined ? {} : { api }) },
    signal,
    answer: async (words) => {
      if ("verdicts" in words) verdicts = words.verdicts;
      if (!("terminate" in words)) return undefined;
      return terminated(project, process, at);
    },
  });
  if (verdicts === undefined) throw new Error(`nothing was found out about ${process.name}`);
  return verdicts;
}

interface Question {
  readonly request: ProberRequest;
  readonly signal: AbortSignal;
  readonly answer: (words: ProberAnswer) => Promise<Terminated | undefined>;
}

async function askProber(
  project: ComposeProject,
  { workload = "" }: Process,
  { request, signal, answer }: Question,
): Promise<void> {
  const program = ["node", "/mesh/scripts/control/prober.ts"];
  await converse(project, ["exec", "--no-TTY", processName.contract({ name: workload }), ...program], {
    first: JSON.stringify(request),
    signal,
    answer: async (line) => {
      const words: ProberAnswer = JSON.parse(line);
      const reply = await answer(words);
      return reply === undefined ? undefined : JSON.stringify(reply);
    },
  });
}

/** Before an app starts: natively its supervisor does. As the app's user, whose folder it is. */
export async function removeSockets(project: ComposeProject, { workload = "", user, sockets }: Process): Promise<void> {
  if (sockets.length === 0) return;
  const at = ["exec", "--no-TTY", "--user", `${user.uid}:${user.gid}`, processName.contract({ name: workload })];
  const { status, stderr } = await compose(project, [...at, "rm", "-f", ...sockets]);
  if (status !== 0) throw composeFailed("exec", stderr);
}

async function terminated(project: ComposeProject, process: Process, at: CandidateAt): Promise<Terminated> {
  try {
    return { ended: await terminate(project, process, at) };
  } catch (error) {
    at.signal.throwIfAborted();
    return { failed: messageOf(error) };
  }
}

/** SIGTERM by the engine, as it stops a container. The engine does not start again what was told to end: this does. */
async function terminate(project: ComposeProject, process: Process, { signal }: CandidateAt): Promise<Ended> {
  const find = async (): Promise<Container | undefined> =>
    (await containersOf(project)).find(({ service }) => service === process.name);
  const before = await find();
  if (before?.state !== "running") throw new Error(`${process.name} does not run`);
  const begun = performance.now();
  await docker(project, ["kill", "--signal", "TERM", before.id]);
  const ended = async (): Promise<Container | undefined> => {
    const now = await find();
    return now === undefined || now.finishedAt === before.finishedAt ? undefined : now;
  };
  const fix = `./mesh logs ${process.name}`;
  const { exitCode } = await until(`${process.name} has ended`, ended, { deadlineMs: endMs, signal, fix });
  const ms = performance.now() - begun;
  await removeSockets(project, process);
  await docker(project, ["start", before.id]);
  await untilReady(project, process, { deadlineMs: endMs, signal, fix });
  return { code: exitCode, ms };
}
