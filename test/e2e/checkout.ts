// The checkout under test, and copies of it where a test needs one: elsewhere, with spaces, for another user.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, copyFile, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

import { canBeEntered } from "../../scripts/runtime/places.ts";

export const checkoutDir = resolve(import.meta.dirname, "../..");

/** Not what a clone has, or more than the mesh needs to run. */
const notCopied = new Set([".git", ".mesh", "coverage", "node_modules"]);

/**
 * Copies the checkout to a new folder with what it needs to run, as if it had been cloned and installed there.
 *
 * @param options.development also what only development and `verify` need: a few seconds more
 */
export async function copyCheckout(to: string, { development = false } = {}): Promise<string> {
  await mkdir(to, { recursive: true });
  const sources = readdirSync(checkoutDir).filter((name) => !notCopied.has(name));
  const packages = development ? ["node_modules"] : ["node_modules/.mesh-installed", ...productionPackages()];
  const installed = packages.filter((path) => existsSync(join(checkoutDir, path)));
  // Thousands of small files: one cp(1) takes a tenth of the time of fs.cp.
  await promisify(execFile)("cp", ["-a", "--parents", "--", ...sources, ...installed, to], { cwd: checkoutDir });
  return to;
}

/** Packages that nothing but development needs are most of node_modules. */
function productionPackages(): string[] {
  const { packages }: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    readFileSync(join(checkoutDir, "package-lock.json"), "utf8"),
  );
  const entries = Object.entries(packages).filter(([path]) => path !== "");
  return entries.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true).map(([path]) => path);
}

/** This very Node, where every user of the machine can run it: in `dir` when it lies below somebody's home. */
export async function nodeForEveryUser(dir: string): Promise<string> {
  if (await canBeEntered(dirname(process.execPath))) return process.execPath;
  const copy = join(dir, "node");
  await copyFile(process.execPath, copy);
  await chmod(copy, 0o755);
  return copy;
}
