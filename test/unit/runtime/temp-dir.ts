// A folder of its own for one test, gone after it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function tempDir(onTestFinished: (clean: () => Promise<void>) => void): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mesh-unit-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
