// Reading the logs of native processes: the last lines, then what is written from now on, also over a rotation.

import { type FSWatcher, statSync, watch } from "node:fs";
import { open, readdir } from "node:fs/promises";

import { MeshError, systemErrorCode } from "../errors.ts";
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

const newline = 10;

/** A log file and how far it was read, in bytes: a character may be written in two parts. */
class FollowedFile {
  readonly #name: string;
  readonly #path: string;
  #position = 0;
  /** The newest older file when we last looked: another one means that the file was cut. */
  #older: string | undefined;
  #partial = Buffer.alloc(0);

  constructor(name: string, path: string) {
    this.#name = name;
    this.#path = path;
  }

  async last(count: number): Promise<LogLine[]> {
    this.#older = versionOf(`${this.#path}.1`);
    const bytes = await readFrom(this.#path, 0);
    this.#position = bytes.length;
    const lines = this.#lines(bytes);
    if (count === 0) return [];
    if (lines.length >= count) return lines.slice(-count);
    const older = await readFrom(`${this.#path}.1`, 0);
    this.#partial = Buffer.alloc(0);
    return this.#lines(Buffer.concat([older, bytes])).slice(-count);
  }

  async next(): Promise<LogLine[]> {
    const older = versionOf(`${this.#path}.1`);
    const missed: Buffer[] = [];
    if (older !== this.#older) {
      missed.push(await readFrom(`${this.#path}.1`, this.#position));
      this.#older = older;
      this.#position = 0;
    }
    const fresh = await readFrom(this.#path, this.#position);
    this.#position += fresh.length;
    return this.#lines(Buffer.concat([...missed, fresh]));
  }

  #lines(bytes: Buffer): LogLine[] {
    const all = Buffer.concat([this.#partial, bytes]);
    const end = all.lastIndexOf(newline) + 1;
    this.#partial = all.subarray(end);
    if (end === 0) return [];
    const lines = all
      .subarray(0, end - 1)
      .toString("utf8")
      .split("\n");
    return lines.map((text) => ({ process: this.#name, text }));
  }
}

function versionOf(path: string): string | undefined {
  try {
    const { ino, mtimeMs } = statSync(path);
    return `${ino} ${mtimeMs}`;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Nothing when the file is absent, or shorter (it is being cut: the next look finds the rest). */
async function readFrom(path: string, position: number): Promise<Buffer> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - position));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
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
