// One log as somebody reads it who may be root: it belongs to its process, which may make it as large as it likes.

import { type Stats, lstatSync } from "node:fs";

import { systemErrorCode } from "../errors.ts";
import { openUnfollowed } from "../whole-file.ts";
import { droppedBefore, droppedLine } from "./dropped.ts";
import type { LogLine } from "./runtime.ts";

/** Of a log that is larger, or grew by more since the last look, the end is read. */
const mostBytes = 8 * 1024 * 1024;
/** Without an end, so much is a line too. */
const longestLine = 256 * 1024;
const newline = 10;
/** At a file that is cut again and again. */
const mostLooks = 3;

/** A log file and how far it was read, in bytes: a character may be written in two parts. */
export class FollowedFile {
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

  /** The last lines, also from before the last cut. */
  async last(count: number): Promise<LogLine[]> {
    const { current, lines } = await this.#unlessCut(async () => {
      this.#older = versionOf(`${this.#path}.1`);
      this.#partial = Buffer.alloc(0);
      const part = await readFrom(this.#path, () => 0);
      return { current: part, lines: this.#lines(part.bytes) };
    });
    this.#position = current.end;
    if (count === 0) return [];
    if (lines.length >= count || current.skipped > 0) return lines.slice(-count);
    const older = await readFrom(`${this.#path}.1`, () => 0);
    this.#partial = Buffer.alloc(0);
    return this.#lines(Buffer.concat([older.bytes, current.bytes])).slice(-count);
  }

  /** What was written since the last call. */
  async next(): Promise<LogLine[]> {
    const missed: LogLine[] = [];
    const fresh = await this.#unlessCut(async () => {
      missed.push(...(await this.#missed()));
      return readFrom(this.#path, () => this.#position);
    });
    this.#position = Math.max(this.#position, fresh.end);
    return [...missed, ...this.#fresh(fresh)];
  }

  /** Looks again when the file was cut meanwhile: what was read may be of after the cut. */
  async #unlessCut<T>(look: () => Promise<T>): Promise<T> {
    for (let looks = 1; ; looks += 1) {
      const seen = await look();
      if (versionOf(`${this.#path}.1`) === this.#older || looks === mostLooks) return seen;
    }
  }

  /** What was cut since the last look: it is in the newest older file, after two cuts in two. */
  async #missed(): Promise<LogLine[]> {
    const newest = versionOf(`${this.#path}.1`);
    // Absent for the moment in which it becomes the second.
    if (newest === undefined || newest === this.#older) return [];
    const before = (start: Buffer): number => positionIn(start, this.#position);
    const second = await readFrom(`${this.#path}.2`, before);
    const isSecondNew = second.version !== undefined && second.version !== this.#older;
    const first = await readFrom(`${this.#path}.1`, isSecondNew ? () => 0 : before);
    if (first.version !== newest) return this.#missed();
    this.#older = newest;
    this.#position = 0;
    return [...(isSecondNew ? this.#fresh(second) : []), ...this.#fresh(first)];
  }

  #fresh({ bytes, skipped }: Part): LogLine[] {
    if (skipped === 0) return this.#lines(bytes);
    this.#partial = Buffer.alloc(0);
    const [, ...lines] = this.#lines(bytes);
    return [{ process: this.#name, text: droppedLine(skipped) }, ...lines];
  }

  #lines(bytes: Buffer): LogLine[] {
    const all = Buffer.concat([this.#partial, bytes]);
    const end = all.length > longestLine + bytes.length ? all.length : all.lastIndexOf(newline) + 1;
    this.#partial = all.subarray(end);
    if (end === 0) return [];
    const lines = all.subarray(0, end).toString("utf8").replace(/\n$/, "").split("\n");
    // A hole in a file reads as zeros.
    return lines.map((text) => ({ process: this.#name, text: text.replace(/^\0+/, "") }));
  }
}

/** Where in the older file a position of before the cut is: its beginning may have been dropped. */
function positionIn(start: Buffer, position: number): number {
  const { bytes, lineLength } = droppedBefore(start);
  return position < bytes ? 0 : lineLength + position - bytes;
}

/** The same for a file under another name; undefined when there is none. */
function versionOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : versionIn(found);
}

function versionIn({ ino, mtimeMs }: Stats): string {
  return `${ino} ${mtimeMs}`;
}

interface Part {
  readonly bytes: Buffer;
  /** Where in the file they end. */
  readonly end: number;
  /** Bytes from where they were to begin to where they do. */
  readonly skipped: number;
  readonly version: string | undefined;
}

const nothing: Part = { bytes: Buffer.alloc(0), end: 0, skipped: 0, version: undefined };

/**
 * Nothing when the file is absent, is no plain file, or is shorter (it is being cut: the next look finds the rest).
 *
 * @param beginning says from the file's first bytes where to begin
 */
async function readFrom(path: string, beginning: (start: Buffer) => number): Promise<Part> {
  try {
    await using file = await openUnfollowed(path);
    const found = await file.stat();
    if (!found.isFile()) return nothing;
    const start = Buffer.alloc(100);
    const position = beginning(start.subarray(0, (await file.read(start, 0, start.length, 0)).bytesRead));
    const begin = Math.max(position, found.size - mostBytes);
    const bytes = Buffer.alloc(Math.max(0, found.size - begin));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, begin);
    const end = begin + bytesRead;
    return { bytes: bytes.subarray(0, bytesRead), end, skipped: begin - position, version: versionIn(found) };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return nothing;
    throw error;
  }
}
