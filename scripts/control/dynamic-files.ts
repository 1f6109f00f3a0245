// Writes a sidecar's dynamic files: always render(plan), each replaced whole by a rename in its own folder, because
// Envoy takes up a file when it is moved there and not when it is edited (Envoy, "xDS configuration": path_config_source).

import { join } from "node:path";

import type { SidecarPlan } from "../plan/plan.ts";
import { dynamicFileNames, renderDynamic, type DynamicFileName } from "../render/dynamic.ts";
import { readPlainFile, writeWhole } from "../whole-file.ts";

/** Who may enter the folder is the access control; whoever may, reads: the sidecar, and the controller what `up` wrote. */
const mode = 0o644;

/**
 * First pass, for a sidecar that does not run yet: brings the files to what the plan says and returns those that it
 * replaced. Nothing is verified; a running sidecar is the controller's (`takeUp`).
 */
export async function writeDynamicFiles(sidecar: SidecarPlan): Promise<readonly DynamicFileName[]> {
  const wanted = renderDynamic(sidecar);
  const replaced: DynamicFileName[] = [];
  for (const file of dynamicFileNames) {
    if ((await readDynamicFile(sidecar, file)) === wanted[file]) continue;
    await replaceDynamicFile(sidecar, file, wanted[file]);
    replaced.push(file);
  }
  return replaced;
}

/** Content of a dynamic file; undefined when it is not there, or no file. */
export async function readDynamicFile(sidecar: SidecarPlan, file: DynamicFileName): Promise<string | undefined> {
  return (await readPlainFile(join(sidecar.dynamicDir, file)))?.content;
}

/** Replaces a dynamic file whole. Killed half-way it leaves the old one, and a stray file that the controller removes. */
export async function replaceDynamicFile(sidecar: SidecarPlan, file: DynamicFileName, content: string): Promise<void> {
  await writeWhole(join(sidecar.dynamicDir, file), content, { mode });
}
