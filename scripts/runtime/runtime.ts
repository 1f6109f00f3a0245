// The runtime: where the processes of a Plan live. One interface, two implementations (native.ts, docker): commands
// hold a Runtime and never ask which one it is; only what brings a mesh up does.

import type { Plan, Process, RenderedFile } from "../plan/plan.ts";

/** What keeps the processes of one mesh: the native supervisor, or Docker Compose. */
export interface Runtime {
  readonly kind: Plan["runtime"];

  /**
   * Ends and starts these again, side by side; back-off and failure are forgotten.
   *
   * @throws MeshError MESH_NO_SUCH_PROCESS
   */
  restart(names: readonly string[]): Promise<void>;

  /** Every process that is meant to run, in the order it was first started. Empty when the mesh is not up. */
  list(): Promise<readonly ProcessStatus[]>;

  /**
   * Lines of these processes' logs, oldest first; all processes when `names` is empty.
   *
   * @throws MeshError MESH_NO_SUCH_PROCESS
   */
  logs(names: readonly string[], options: LogOptions): AsyncIterable<LogLine>;

  /**
   * Ends every process, dependants (`after`) before what they depend on, then removes all that is not durable
   * (`Folder.durable`). The state says `stopped`; `begin` resumes from it.
   */
  suspend(): Promise<void>;

  /**
   * Ends every process and removes all that ever was: sockets, keys, data, copies, state; also what a command left that
   * failed or was killed, and when the state is lost. What is somebody else's by now is left alone, and said. Safe to
   * repeat.
   */
  destroy(): Promise<void>;

  /** Whether there is anything for `destroy` to do. */
  exists(): Promise<boolean>;
}

/** A runtime whose processes are started one by one, in an order that is the caller's: the native one. Compose has its own. */
export interface ProcessRuntime extends Runtime {
  /**
   * Proves that `plan` can be started here before anything is: every listening address of a process that does not run
   * yet is free, and every Unix socket's path fits (107 bytes, unix(7)).
   *
   * @throws MeshError MESH_PORT_TAKEN saying by whom where that can be seen; MESH_STATE_INVALID for a path too long
   */
  preflight(plan: Plan): Promise<void>;

  /**
   * Makes the mesh ready to start processes: what supervises them runs, what an earlier crash left is swept (and said,
   * as a warning of stage `runtime`), folders of the plan exist with their owner and mode, folders and processes only
   * the last applied plan had are gone, and the state says `up`. Safe to repeat; a running process is left alone.
   */
  begin(plan: Plan): Promise<void>;

  /** Writes each file whole, by rename, with its mode and its folder's owner and group; returns those that changed. */
  writeFiles(files: readonly RenderedFile[]): Promise<readonly RenderedFile[]>;

  /**
   * Has these processes run, as given: one that does not run is started (after its `build`), one that runs with
   * another definition is restarted, any other is left alone. Returns as soon as they are spawned; readiness is the
   * caller's to prove. `after` is not waited for: who starts in which order is the caller's decision too.
   */
  start(processes: readonly Process[]): Promise<Started>;

  /** Ends these (SIGTERM, after a grace of 10 s SIGKILL; all they spawned too) and forgets them. Unknown names are ignored. */
  stop(names: readonly string[]): Promise<void>;

  /** Each death from now on, until `signal` is aborted: lets a wait for readiness fail at once with the reason. */
  exits(signal: AbortSignal): AsyncIterable<ProcessStatus>;
}

/** What replacing one app by another needs. */
export type SlotRuntime = Pick<ProcessRuntime, "preflight" | "begin" | "start" | "list" | "logs" | "exits">;

/** Names of processes by what `start` did to them. */
export interface Started {
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  readonly unchanged: readonly string[];
}

export interface ProcessStatus {
  readonly name: string;
  /**
   * `building`: its `build` runs. `backing-off`: it died and will be started again. `failed`: its build failed or its
   * command cannot be executed, so it is not started again until asked for.
   */
  readonly state: "building" | "running" | "backing-off" | "failed" | "stopping";
  /** While it runs. */
  readonly pid?: number;
  /** Milliseconds since the epoch, of the latest start. */
  readonly startedAt?: number;
  /** Starts after a death, since it was first asked for; restarts that were asked for do not count. */
  readonly restarts: number;
  readonly lastExit?: ProcessExit;
}

/** How a process, or its build, ended: with a status or by a signal. */
export interface ProcessExit {
  readonly code?: number;
  readonly signal?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly during: "build" | "run";
  /** Why it could not be spawned at all. */
  readonly error?: string;
}

export interface LogOptions {
  /** How many of the last lines of each process to begin with; 0 for none. */
  readonly lines: number;
  /** Go on with what is written from now on, until `signal` is aborted. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

export interface LogLine {
  readonly process: string;
  readonly text: string;
}
