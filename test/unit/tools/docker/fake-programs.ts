// Programs that stand in for docker and its relatives where only their words and exit statuses matter.

import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../../../../scripts/errors.ts";

/** A PATH with these programs, shell scripts all, and the few that a script needs. */
export async function pathWith(dir: string, scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(dir, "path");
  await mkdir(folder, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

/** A script that prints to standard error, and ends as a program that failed. */
export function failing(words: string, status = 1): string {
  return `echo '${words}' >&2; exit ${status}`;
}

/** Answers `docker version --format '{{json .Server}}'` as an engine of this version makes it answer. */
export function dockerWithEngine(version: string): string {
  return `[ "$1" = version ] || exit 1\necho '{"Platform":{"Name":""},"Version":"${version}","ApiVersion":"1.41"}'`;
}

/** The lines of a file; none when it was never written. */
export async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
