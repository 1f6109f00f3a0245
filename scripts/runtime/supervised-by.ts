// Requests to a supervisor as the native runtime makes them: which deadline each has, and what it means that none runs.

import { MeshError } from "../errors.ts";
import type { ProcessStatus } from "./runtime.ts";
import { ask } from "./supervisor/client.ts";
import type { Answers, Request } from "./supervisor/protocol.ts";

/** After SIGTERM, when a mesh is to come back (the app contract: finish and exit within 10 s). */
export const graceMs = 10_000;
/** Processes end in the order of `after`, at most this deep, and each level has its grace. */
const levels = 6;

/** @throws MeshError MESH_NOT_UP when no supervisor runs; MESH_SUPERVISOR */
export async function askUp<Op extends Request["op"]>(
  runDir: string,
  request: Extract<Request, { op: Op }>,
): Promise<Answers[Op]> {
  const answer = await ask<Op>(request, { runDir, deadlineMs: levels * graceMs });
  if (answer === undefined) throw notUp();
  return answer;
}

/** Empty when the mesh is not up. */
export async function listProcesses(runDir: string): Promise<readonly ProcessStatus[]> {
  return (await ask({ op: "list" }, { runDir, deadlineMs: 5000 })) ?? [];
}

/** Does nothing when the mesh is not up. */
export async function stopProcesses(runDir: string, names: readonly string[]): Promise<void> {
  await ask({ op: "stop", names, graceMs }, { runDir, deadlineMs: levels * graceMs });
}

/** Ends all processes and the supervisor; false when none runs. */
export async function askToShutDown(runDir: string, grace: number): Promise<boolean> {
  const answer = await ask({ op: "shutdown", graceMs: grace }, { runDir, deadlineMs: levels * grace + 2000 });
  return answer !== undefined;
}

export function notUp(): MeshError {
  return new MeshError("MESH_NOT_UP", "the mesh is not up", { fix: "./mesh up" });
}
