// Reading the logs of native processes: the last lines, then what is written from now on, also over a rotation.

import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";

import { MeshError, systemErrorCode } from "../errors.ts";
import { FollowedFile } from "./followed-file.ts";
import type { LogLine, LogOptions } from "./runtime.ts";
import { logFile } from "./specs.ts";

/** Names that have a log, `supervisor` last. */
export async function loggedNames(logDir: string): Promise<string[]> {
  const names = (await filesIn(logDir)).filter((file) => file.endsWith(".log")).map((file) => file.slice(0, -4));
  return names.toSorted((one, other) => Number(one === "supervisor") - Number(other === "supervisor"));
}

/**
 * @param names all but the supervisor's when empty
 * @throws MeshError MESH_NO_SUCH_PROCESS
 */
export async function* readLogs(
  logDir: string,
  names: readonly string[],
  options: LogOptions,
): AsyncGenerator<LogLine> {
  const known = await loggedNames(logDir);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new MeshError("MESH_NO_SUCH_PROCESS", `there is no log of ${unknown}`, {
      details: known,
      fix: "./mesh ps lists the names",
    });
  const wanted = names.length === 0 ? known.filter((name) => name !== "supervisor") : names;
  const files = wanted.map((name) => new FollowedFile(name, logFile(logDir, name)));
  for (const file of files) yield* await file.last(options.lines);
  if (options.follow) yield* follow(logDir, files, options.signal);
}

async function* follow(
  logDir: string,
  files: readonly FollowedFile[],
  signal: AbortSignal | undefined,
): AsyncGenerator<LogLine> {
  let wake = Promise.withResolvers<void>();
  const watcher: FSWatcher = watch(logDir, () => wake.resolve());
  const onAbort = (): void => wake.resolve();
  // The folder goes with the mesh.
  watcher.on("error", onAbort);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      // Before looking: what is written while we look wakes us again.
      wake = Promise.withResolvers<void>();
      for (const file of files) yield* await file.next();
      if (signal?.aborted === true || (await filesIn(logDir)).length === 0) return;
      await wake.promise;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    watcher.close();
  }
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
