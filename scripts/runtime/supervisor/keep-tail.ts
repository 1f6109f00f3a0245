// Copies the end of a log, bounded whatever its process does to it: it may be sparse and claim to have any size, grow
// while it is read, or shrink.

import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

import { droppedLine } from "../dropped.ts";

const chunkBytes = 256 * 1024;
const newline = 10;

/** How far a log was copied. */
export interface Kept {
  /** Bytes of the log that are copied or dropped. */
  readonly position: number;
  /** Of those, the ones before the first that is copied. */
  readonly dropped: number;
  /** Nothing is copied yet, and the position is in the middle of a line. */
  readonly inLine: boolean;
}

/** A log that is looked at ever so often is somewhat larger than it should be, and may grow while it is copied. */
const tolerance = 4;

/** Copies what is in the log, in small pieces between which other work goes on. */
export async function keepTail(log: FileHandle, copy: FileHandle, maxBytes: number): Promise<Kept> {
  const { size } = await log.stat();
  let kept = from(size > tolerance * maxBytes ? size - maxBytes : 0);
  const chunk = Buffer.alloc(chunkBytes);
  const enough = kept.position + tolerance * maxBytes;
  for (let length = chunk.length; length === chunk.length && kept.position < enough;) {
    ({ bytesRead: length } = await log.read(chunk, 0, chunk.length, kept.position));
    const { text, next } = judge(chunk.subarray(0, length), kept);
    await copy.appendFile(text);
    kept = next;
  }
  return kept;
}

/**
 * Appends what was written since, all at once: at most `maxBytes`. When it is more, only the last of it is kept, and
 * nothing of before.
 */
export function keepRest(log: number, copy: number, before: Kept, maxBytes: number): void {
  const { size } = fstatSync(log);
  let kept = before;
  if (size - before.position > maxBytes) {
    ftruncateSync(copy, 0);
    kept = from(size - maxBytes);
  }
  const chunk = Buffer.alloc(chunkBytes);
  // Not beyond the size that was seen: what cannot be stopped may write for ever.
  while (kept.position < size) {
    const length = readSync(log, chunk, 0, Math.min(chunk.length, size - kept.position), kept.position);
    if (length === 0) break;
    const { text, next } = judge(chunk.subarray(0, length), kept);
    for (let written = 0; written < text.length;) written += writeSync(copy, text, written);
    kept = next;
  }
}

function from(position: number): Kept {
  return { position, dropped: position, inLine: position > 0 };
}

/** What of the next chunk is kept. Until the first is: not the rest of a line, nor the zeros of a hole. */
function judge(chunk: Buffer, { position, dropped, inLine }: Kept): { readonly text: Buffer; readonly next: Kept } {
  const end = position + chunk.length;
  const zeros = dropped === position ? leadingZeros(chunk) : 0;
  const skipped = zeros > 0 || !inLine ? zeros : chunk.indexOf(newline) + 1;
  if (skipped === chunk.length) return { text: Buffer.alloc(0), next: { position: end, dropped: end, inLine: false } };
  if (dropped < position || position + skipped === 0)
    return { text: chunk, next: { position: end, dropped, inLine: false } };
  const next = { position: end, dropped: position + skipped, inLine: false };
  return { text: Buffer.concat([Buffer.from(`${droppedLine(next.dropped)}\n`), chunk.subarray(skipped)]), next };
}

function leadingZeros(chunk: Buffer): number {
  const first = chunk.findIndex((byte) => byte !== 0);
  return first < 0 ? chunk.length : first;
}
