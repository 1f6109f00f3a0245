// Which runtime a mesh is on, and its handle: the one place where commands choose. A mesh that is up or stopped stays on
// the runtime it has.

import { existsSync } from "node:fs";

import { isReady } from "../observe/readiness.ts";
import type { Ask } from "../control/client.ts";
import { MeshError } from "../errors.ts";
import { requestUnix } from "../observe/unix-http.ts";
import type { Plan, Process } from "../plan/plan.ts";
import type { ComposeProject } from "../runtime/compose-project.ts";
import { nativeRuntime } from "../runtime/native.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { openStateFolder, type StateFolder } from "../runtime/state.ts";
import type { Context } from "./context.ts";

export interface OpenRuntime {
  readonly folder: StateFolder;
  readonly runtime: Runtime;
  /** What the mesh was brought to last; undefined: it was never up. */
  readonly plan: Plan | undefined;
  /** `stopped`: only what is durable is left. `absent`: nothing was ever made, or it was destroyed. */
  readonly phase: "up" | "stopped" | "absent";
  /** On docker. */
  readonly project?: ComposeProject;
  /** How its controllers are asked; over their sockets on this machine unless given. */
  readonly ask?: Ask;
  /** Looks once whether a process is ready, by what its plan or its container says. Never throws. */
  readonly isReady: (process: Process) => Promise<boolean>;
}

/**
 * The runtime of the mesh of this state folder.
 *
 * @throws MeshError MESH_RUNTIME_FIXED when another was asked for than the one it is on; what the engine or Compose lack
 */
export async function openRuntime(context: Context): Promise<OpenRuntime> {
  const folder = await openStateFolder(context.stateDir, { create: false });
  if ((await runtimeOf(context, folder)) === "docker")
    return (await import("./open-docker.ts")).openDocker(context, folder);
  const { env, report } = context;
  const [state, plan] = await Promise.all([folder.read(), folder.readPlan()]);
  const runtime = nativeRuntime({ folder, env, report });
  return { folder, runtime, plan, phase: state?.phase ?? "absent", isReady: ({ ready }) => isReady(ready) };
}

/** @throws MeshError MESH_RUNTIME_FIXED */
export async function runtimeOf(context: Context, folder: StateFolder): Promise<Plan["runtime"]> {
  const has = await runtimeItHas(context, folder);
  const { runtime: asked } = context;
  if (has !== undefined && asked !== undefined && has.runtime !== asked)
    throw new MeshError("MESH_RUNTIME_FIXED", `this mesh is ${has.phase} on the runtime ${has.runtime}, not ${asked}`, {
      fix: `go on without --runtime; or end it first: ./mesh down`,
    });
  return has?.runtime ?? asked ?? (process.platform === "linux" ? "native" : "docker");
}

interface Has {
  readonly runtime: Plan["runtime"];
  readonly phase: string;
}

/** By what commands left in the state folder; else what plain `docker compose up` started from here. */
async function runtimeItHas(context: Context, folder: StateFolder): Promise<Has | undefined> {
  const state = await folder.read();
  if (state !== undefined) return { runtime: "native", phase: state.phase };
  if ((await folder.readPlan())?.runtime === "docker") return { runtime: "docker", phase: "up or stopped" };
  return (await isUpByCompose(context, folder)) ? { runtime: "docker", phase: "up" } : undefined;
}

/** A few milliseconds where an engine listens on its usual socket; who has it elsewhere says `--runtime docker`. */
async function isUpByCompose(context: Context, folder: StateFolder): Promise<boolean> {
  const host = context.env["DOCKER_HOST"] || "unix:///var/run/docker.sock";
  const socket = host.slice("unix://".length);
  if (!host.startsWith("unix://") || !existsSync(socket)) return false;
  const { composeLabels } = await import("./open-docker.ts");
  const wanted = { label: composeLabels(context, folder) };
  try {
    const { status, body } = await requestUnix({
      socket,
      path: `/containers/json?all=true&limit=1&filters=${encodeURIComponent(JSON.stringify(wanted))}`,
      deadlineMs: 2000,
    });
    const found: unknown = status === 200 ? JSON.parse(body) : [];
    return Array.isArray(found) && found.length > 0;
  } catch {
    return false; // No engine, or not for us: then nothing of this mesh is to be seen there.
  }
}
