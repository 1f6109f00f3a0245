// What lies beside the rendered files while a swap lasts: the project's Compose file with who serves, in the state folder, and
// what controllers start from. None of it is committed, and the rendered files stay as mesh.yaml says.

import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { systemErrorCode } from "../errors.ts";
import { swappedPlanName } from "../plan/layout.ts";
import { writeWhole } from "../whole-file.ts";
import type { ComposeProject } from "./compose-project.ts";
import type { RelativeFile } from "./rendered.ts";

export interface SwappedContent {
  readonly compose: string;
  /** Paths relative to the project's folder. */
  readonly plans: readonly RelativeFile[];
}

type Where = Pick<ComposeProject, "dir" | "swappedFile">;

/** Containers' users are others: everybody may read. Undefined: mesh.yaml says who serves. */
export async function writeSwapped(project: Where, content: SwappedContent | undefined): Promise<void> {
  const kept = new Set(content?.plans.map(({ path }) => join(project.dir, path)));
  for (const file of await swappedPlans(project)) if (!kept.has(file)) await rm(file, { force: true });
  if (content === undefined) return rm(project.swappedFile, { force: true });
  for (const { path, content: text } of content.plans) await writeWhole(join(project.dir, path), text, { mode: 0o644 });
  await mkdir(dirname(project.swappedFile), { recursive: true });
  await writeWhole(project.swappedFile, content.compose, { mode: 0o600 });
}

async function swappedPlans({ dir }: Where): Promise<string[]> {
  try {
    const domains = await readdir(join(dir, "spire"));
    return domains.map((domain) => join(dir, "spire", domain, swappedPlanName));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
