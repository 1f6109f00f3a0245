// For commands about a mesh that was brought up before: its runtime and the plan it was brought to.

import { MeshError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { Context } from "./context.ts";
import { openRuntime, type OpenRuntime } from "./open-runtime.ts";

export interface MeshThatIsUp extends OpenRuntime {
  readonly plan: Plan;
}

/** @throws MeshError MESH_NOT_UP, also when a crash or a reboot ended it since */
export async function meshThatIsUp(context: Context): Promise<MeshThatIsUp> {
  const opened = await openRuntime(context);
  const { plan, phase, runtime } = opened;
  if (plan === undefined || phase !== "up") throw notUp("the mesh is not up");
  if ((await runtime.list()).length === 0) throw notUp("the mesh was up and is not running any more");
  return { ...opened, plan };
}

function notUp(message: string): MeshError {
  return new MeshError("MESH_NOT_UP", message, { fix: "./mesh up" });
}
