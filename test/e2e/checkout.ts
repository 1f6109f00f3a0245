// The checkout under test, and copies of it where a test needs one: elsewhere, with spaces, for another user.

import { chmod, cp, mkdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";

export const checkoutDir = resolve(import.meta.dirname, "../..");

/** Not part of what a clone has. */
const notCopied = new Set([".git", ".mesh", "coverage"]);

/** Copies the checkout to a new folder, dependencies included, as if it had been cloned and installed there. */
export async function copyCheckout(to: string): Promise<string> {
  await mkdir(to, { recursive: true });
  await cp(checkoutDir, to, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (path) => !notCopied.has(relative(checkoutDir, path)) && basename(path) !== ".mesh",
  });
  await chmod(join(to, "mesh"), 0o755);
  return to;
}
