// Has mesh.yaml say which app a workload has, and nothing else than it did about the rest.

import { readFile, realpath, stat } from "node:fs/promises";

import { withApp } from "../model/edit.ts";
import type { App, Mesh } from "../model/mesh.ts";
import type { SlotNumber } from "../plan/slots.ts";
import { writeServing } from "../runtime/decisions.ts";
import { writeWhole } from "../whole-file.ts";
import type { Context } from "./context.ts";
import type { Swapping } from "./swapping.ts";

/**
 * What mesh.yaml would be.
 *
 * @throws MeshError MESH_FILE_INVALID, MESH_INPUT_INVALID when it cannot be edited so
 */
export async function editedMesh({ meshFile }: Pick<Context, "meshFile">, workload: string, app: App): Promise<string> {
  return withApp(await readFile(meshFile, "utf8"), { file: meshFile, workload, app });
}

/** Writes it, as it is by then: a swap may take as long as a compiler. What serves is no decision any more. */
export async function saveApp(
  context: Context,
  { folder, mesh, workload, serving }: Swapping,
  { app, slot }: { readonly app: App; readonly slot: SlotNumber },
): Promise<void> {
  const { name } = workload;
  const text = await editedMesh(context, name, app);
  // Through a link, to the file itself; and it stays its owner's.
  const file = await realpath(context.meshFile);
  const { mode, uid, gid } = await stat(file);
  await writeWhole(file, text, { mode: mode & 0o777, owner: { uid, gid } });
  const now: Mesh = { ...mesh, workloads: mesh.workloads.map((one) => (one.name === name ? { ...one, app } : one)) };
  await writeServing(folder, { ...serving, [name]: { [slot]: { app, weight: 1 } } }, now);
}
