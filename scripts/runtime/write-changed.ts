// Rendered files on disk: written only when they differ, so that a second `up` changes nothing.

import { dirname } from "node:path";

import type { Folder, RenderedFile } from "../plan/plan.ts";
import { readPlainFile, writeWhole } from "../whole-file.ts";

/** Writes those that are new or differ, and returns them. A file belongs to the owner and group of its folder. */
export async function writeChanged(
  files: readonly RenderedFile[],
  options: { readonly folders: readonly Folder[]; readonly uid: number },
): Promise<RenderedFile[]> {
  const written = await Promise.all(
    files.map(async (file) => {
      const mode = options.uid === 0 ? file.mode : file.mode & 0o700;
      const found = await readPlainFile(file.path);
      if (found?.content === file.content && found.mode === mode) return [];
      const folder = options.folders.find(({ path }) => path === dirname(file.path));
      if (folder === undefined) throw new Error(`${file.path} lies in no folder of the plan`);
      await writeWhole(file.path, file.content, { mode, ...(options.uid === 0 ? { owner: folder.owner } : {}) });
      return [file];
    }),
  );
  return written.flat();
}
