// For commands about a mesh that was brought up before: its runtime and the plan it was brought to.

import { MeshError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import { nativeRuntime } from "../runtime/native.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { openStateFolder, type StateFolder } from "../runtime/state.ts";
import type { Context } from "./context.ts";

export interface MeshThatIsUp {
  readonly folder: StateFolder;
  readonly plan: Plan;
  readonly runtime: Runtime;
}

/** @throws MeshError MESH_NOT_UP, also when a crash or a reboot ended it since */
export async function meshThatIsUp({ stateDir, env, report }: Context): Promise<MeshThatIsUp> {
  const folder = await openStateFolder(stateDir, { create: false });
  const state = await folder.read();
  const plan = await folder.readPlan();
  if (state === undefined || plan === undefined || state.phase !== "up") throw notUp("the mesh is not up");
  const runtime = nativeRuntime({ folder, env, report });
  if ((await runtime.list()).length === 0) throw notUp("the mesh was up and is not running any more");
  return { folder, plan, runtime };
}

function notUp(message: string): MeshError {
  return new MeshError("MESH_NOT_UP", message, { fix: "./mesh up" });
}
