// The containers of a Compose project as processes of a mesh, by the engine's word (`docker inspect`).

import { type ComposeProject, idsOf, inspect, labels } from "./compose-project.ts";
import type { Process } from "../plan/plan.ts";
import type { ProcessStatus } from "./runtime.ts";

export interface Container {
  readonly id: string;
  /** Its name at the engine. */
  readonly name: string;
  /** The process it stands for. */
  readonly service: string;
  /** Folder of the docker-compose.yml that made it. */
  readonly workingDir: string;
  readonly state: string;
  readonly pid: number;
  /** ISO 8601; the year 1 when it never was. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  /** Why it could not be started; empty otherwise. */
  readonly error: string;
  /** Starts after a death. */
  readonly restarts: number;
  /** Absent: its image has no program that could prove anything. `said`: the last words of the check. */
  readonly health?: { readonly status: string; readonly said: string };
}

/** What ends when its work is done. */
export function isOneShot({ role }: Pick<Process, "role">): boolean {
  return role === "keys" || role === "bootstrap" || role === "contract";
}

/** Every container of the project, one-shots too, by name. */
export async function containersOf(project: ComposeProject): Promise<Container[]> {
  const ids = await idsOf(project, "container");
  const inspected: readonly Inspected[] = JSON.parse(await inspect(project, "container", ids));
  return inspected.map(toContainer).toSorted((one, other) => one.service.localeCompare(other.service));
}

/** What is read of `docker container inspect` (Docker Engine API, ContainerInspect). */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly ExitCode: number;
    readonly Error: string;
    readonly Health?: { readonly Status: string; readonly Log?: readonly { readonly Output: string }[] | null };
  };
}

function toContainer({ Id, Name, RestartCount, Config, State }: Inspected): Container {
  const { Health } = State;
  return {
    id: Id,
    name: Name.replace(/^\//, ""),
    service: Config.Labels[labels.service] ?? "",
    workingDir: Config.Labels[labels.workingDir] ?? "",
    state: State.Status,
    pid: State.Pid,
    startedAt: State.StartedAt,
    finishedAt: State.FinishedAt,
    exitCode: State.ExitCode,
    error: State.Error,
    restarts: RestartCount,
    ...(Health === undefined
      ? {}
      : { health: { status: Health.Status, said: Health.Log?.at(-1)?.Output.trim() ?? "" } }),
  };
}

const states: Readonly<Record<string, ProcessStatus["state"]>> = {
  running: "running",
  paused: "running",
  restarting: "backing-off",
  removing: "stopping",
};

/** A container that was created or has ended, and is not started again by itself, has failed. */
export function statusOf(container: Container): ProcessStatus {
  const { service, pid, startedAt, finishedAt, exitCode, error, restarts } = container;
  const state = states[container.state] ?? "failed";
  const began = Date.parse(startedAt);
  const ended = Date.parse(finishedAt);
  return {
    name: service,
    state,
    ...(pid > 0 ? { pid } : {}),
    ...(state === "running" && began > 0 ? { startedAt: began } : {}),
    restarts,
    ...(ended > 0
      ? { lastExit: { code: exitCode, at: ended, during: "run" as const, ...(error === "" ? {} : { error }) } }
      : {}),
  };
}
