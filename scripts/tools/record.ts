// What the cache knows of the programs in a folder: `record.json` beside them, written when they were put there. A
// program is used only while it is what was recorded.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { systemErrorCode } from "../errors.ts";

interface FileRecord {
  readonly sha256: string;
  /** Size, modification time, change time and inode. */
  readonly status: string;
}

/** What was found at a look. `damaged` says which file and how. */
export type Soundness =
  | { readonly kind: "sound" }
  | { readonly kind: "absent" }
  | { readonly kind: "damaged"; readonly problem: string };

const recordName = "record.json";

/** Records the named files of a folder as they are now. */
export async function recordFiles(dir: string, names: readonly string[]): Promise<void> {
  const records = await Promise.all(
    names.map(async (name) => {
      const file = join(dir, name);
      return [name, { sha256: await sha256Of(file), status: await statusOf(file) }] as const;
    }),
  );
  await writeRecord(dir, Object.fromEntries(records));
}

/**
 * Compares the named files of a folder with its record.
 *
 * Hashing 340 MB takes about a second, so it is done only when a file's status has changed. That is enough: nothing
 * changes a file's bytes through the file system without changing its change time, which no program can set back
 * (inode(7), st_ctime). A folder that was copied or restored has a new status and the same checksum: it is recorded anew.
 */
export async function examineFiles(dir: string, names: readonly string[]): Promise<Soundness> {
  const record = await readRecord(dir);
  if (record === undefined) return { kind: "absent" };
  const found = await Promise.all(names.map((name) => examineFile(join(dir, name), record[name])));
  const problem = found.find((result) => typeof result === "string");
  if (problem !== undefined) return { kind: "damaged", problem };
  const renewed = found.filter((result) => typeof result === "object").length > 0;
  if (renewed) await renewRecord(dir, record, names, found);
  return { kind: "sound" };
}

/** Undefined: as recorded. A record: the same bytes with a new status. A string: what is wrong. */
async function examineFile(file: string, recorded: FileRecord | undefined): Promise<FileRecord | string | undefined> {
  if (recorded === undefined) return `${file} is not in its record`;
  let status: string;
  try {
    status = await statusOf(file);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return `${file} is gone`;
    throw error;
  }
  if (status === recorded.status) return undefined;
  if (sizeIn(status) !== sizeIn(recorded.status)) {
    return `${file} has ${sizeIn(status)} bytes, not the ${sizeIn(recorded.status)} that were put there`;
  }
  const sha256 = await sha256Of(file);
  return sha256 === recorded.sha256 ? { sha256, status } : `${file} does not have the checksum that was put there`;
}

/** A cache that only somebody else may write is still good to read: then the checksum is taken again next time. */
async function renewRecord(
  dir: string,
  record: Readonly<Record<string, FileRecord>>,
  names: readonly string[],
  found: readonly (FileRecord | string | undefined)[],
): Promise<void> {
  const renewed = names.flatMap((name, index) => {
    const result = found[index];
    return typeof result === "object" ? [[name, result] as const] : [];
  });
  try {
    await writeRecord(dir, { ...record, ...Object.fromEntries(renewed) });
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}

async function writeRecord(dir: string, record: Readonly<Record<string, FileRecord>>): Promise<void> {
  const unfinished = join(dir, `${recordName}.${process.pid}`);
  await writeFile(unfinished, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644, flush: true });
  await rename(unfinished, join(dir, recordName));
}

async function readRecord(dir: string): Promise<Record<string, FileRecord> | undefined> {
  let text: string;
  try {
    text = await readFile(join(dir, recordName), "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : {};
  } catch (error) {
    // A record that cannot be read vouches for no file.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, FileRecord> {
  return typeof value === "object" && value !== null && Object.values(value).every(isFileRecord);
}

function isFileRecord(value: unknown): value is FileRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "sha256" in value &&
    typeof value.sha256 === "string" &&
    "status" in value &&
    typeof value.status === "string"
  );
}

async function statusOf(file: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(file, { bigint: true });
  return [size, mtimeNs, ctimeNs, ino].join(" ");
}

function sizeIn(status: string): string {
  return status.split(" ")[0] ?? "";
}

/** SHA-256 of a file, in hexadecimal. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest("hex");
}
