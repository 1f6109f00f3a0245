// Which mesh a process belongs to, if any: the supervisor that started it names the mesh's folders in its arguments.

import { basename, dirname } from "node:path";

import { usersClaims } from "./claims.ts";
import { argumentsOf, readStat } from "./proc.ts";
import { meshId } from "./state.ts";

export interface OtherMesh {
  /** Its state folder, where that can be told. */
  readonly stateDir: string | undefined;
}

export async function meshOf(pid: number): Promise<OtherMesh | undefined> {
  const parent = readStat(pid)?.parent;
  const [, program = "", runDir = "", logDir = ""] = (parent === undefined ? undefined : argumentsOf(parent)) ?? [];
  if (!program.endsWith("/scripts/runtime/supervisor/main.ts")) return undefined;
  // Root's data may lie elsewhere (places.ts), but its users are claimed for the state folder.
  const known = [dirname(logDir), ...(await usersClaims()).map(({ stateDir }) => stateDir)];
  return { stateDir: known.find((stateDir) => basename(runDir).endsWith(`-${meshId(stateDir)}`)) };
}
