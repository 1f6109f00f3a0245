// The docker runtime: the processes of a plan as the containers of one Compose project. What it knows it asks the engine,
// so that it does not matter whether the CLI or plain `docker compose` started them.

import { existsSync } from "node:fs";

import { MeshError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import {
  type ComposeProject,
  compose,
  composeFailed,
  composeFileOf,
  docker,
  idsOf,
  linesOf,
} from "./compose-project.ts";
import { type Container, containersOf, isOneShot, statusOf } from "./containers.ts";
import type { StateFolder } from "./state.ts";
import { writeSwapped } from "./swapped.ts";
import type { LogLine, LogOptions, ProcessStatus, Runtime } from "./runtime.ts";

/** What an app has to answer what is under way (docs/app-contract.md). */
const appSeconds = 10;
const endMs = 60_000;

/**
 * @param plan what is meant to run: a container that somebody removed is missed
 * @param graceSeconds of a container that is told to end. A program that has just begun as a container's first process does not
 *   hear it at all (kill(2): signals to the init of a PID namespace)
 */
export function dockerRuntime(
  project: ComposeProject,
  plan: Plan,
  folder: Pick<StateFolder, "clear">,
  { graceSeconds = appSeconds }: { readonly graceSeconds?: number } = {},
): Runtime {
  const meant = plan.processes.filter((process) => !isOneShot(process)).map(({ name }) => name);
  return {
    kind: "docker",
    list: async () => statusesOf(await containersOf(project), meant),
    restart: (names) => restart(project, { names, meant }),
    logs: (names, options) => logs(project, { names, plan, options }),
    suspend: async () => {
      await end(project, [], graceSeconds);
      await writeSwapped(project, undefined);
    },
    destroy: async () => {
      await end(project, ["--volumes"], graceSeconds);
      await sweep(project);
      await writeSwapped(project, undefined);
      await folder.clear();
    },
    exists: () => exists(project),
  };
}

/** Whether the engine has anything of the project. */
export async function exists(project: ComposeProject): Promise<boolean> {
  const found = await Promise.all((["container", "volume", "network"] as const).map((kind) => idsOf(project, kind)));
  return found.some((ids) => ids.length > 0);
}

function statusesOf(containers: readonly Container[], meant: readonly string[]): ProcessStatus[] {
  if (containers.length === 0) return [];
  const byName = new Map(containers.map((container) => [container.service, container]));
  return meant.map((name) => {
    const container = byName.get(name);
    return container === undefined ? { name, state: "failed", restarts: 0 } : statusOf(container);
  });
}

async function restart(
  project: ComposeProject,
  { names, meant }: { readonly names: readonly string[]; readonly meant: readonly string[] },
): Promise<void> {
  const unknown = names.filter((name) => !meant.includes(name));
  if (unknown.length > 0)
    throw new MeshError("MESH_NO_SUCH_PROCESS", `the mesh has no process ${unknown.join(", ")}`, {
      details: [...meant],
      fix: "./mesh ps lists the names",
    });
  const there = new Set((await containersOf(project)).map(({ service }) => service));
  const kept = names.filter((name) => there.has(name));
  const gone = names.filter((name) => !there.has(name));
  if (kept.length > 0) await must(project, ["restart", "--no-deps", "--timeout", String(appSeconds), ...kept]);
  if (gone.length > 0) await must(project, ["up", "--detach", "--no-deps", "--no-recreate", ...gone]);
}

/** Compose puts the service's container before each line: `quotes-1  | …`. */
const line = /^(?<service>\S+)-\d+ +\| ?(?<text>.*)$/;

async function* logs(
  project: ComposeProject,
  asked: { readonly names: readonly string[]; readonly plan: Plan; readonly options: LogOptions },
): AsyncIterable<LogLine> {
  const { names, plan, options } = asked;
  const known = plan.processes.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new MeshError("MESH_NO_SUCH_PROCESS", `the mesh has no process ${unknown.join(", ")}`, {
      details: known,
      fix: "./mesh logs without a name shows all",
    });
  const words = ["logs", "--no-color", "--tail", String(options.lines), ...(options.follow ? ["--follow"] : [])];
  for await (const printed of linesOf(project, [...words, ...names], options.signal)) {
    const { service, text } = line.exec(printed)?.groups ?? {};
    if (service !== undefined && text !== undefined) yield { process: service, text };
  }
}

/** Also when the project's docker-compose.yml is gone or cannot be read any more: then `sweep` alone ends it. */
async function end(project: ComposeProject, more: readonly string[], graceSeconds: number): Promise<void> {
  if (!existsSync(composeFileOf(project))) return;
  const { status, stderr } = await compose(
    project,
    ["down", "--remove-orphans", "--timeout", String(graceSeconds), ...more],
    { deadlineMs: endMs },
  );
  if (status !== 0 && more.length === 0) throw composeFailed("down", stderr);
}

/** What no docker-compose.yml names any more. */
async function sweep(project: ComposeProject): Promise<void> {
  for (const kind of ["container", "network", "volume"] as const) {
    const ids = await idsOf(project, kind);
    if (ids.length > 0) await docker(project, [kind, "rm", ...(kind === "network" ? [] : ["--force"]), ...ids]);
  }
}

async function must(project: ComposeProject, args: readonly string[]): Promise<void> {
  const { status, stderr } = await compose(project, args, { deadlineMs: endMs });
  if (status !== 0) throw composeFailed(args[0] ?? "", stderr);
}
