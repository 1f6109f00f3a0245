// What a controller remembers over its own restarts, because nobody else counts it: since when each partner's bundle is
// held, and how often each sidecar's SVID was replaced. Observations, not decisions: losing them costs no identity.

import { readFile } from "node:fs/promises";

import { messageOf, systemErrorCode } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";

export interface Memory {
  /** Notes the bundle that is held of a partner and returns since when exactly it is held, ISO 8601. */
  readonly holdsBundle: (trustDomain: string, digest: string, now: Date) => string;
  /** Notes the SVID that a sidecar holds now and returns how often it was replaced since it was first seen. */
  readonly holdsSvid: (sidecar: string, serial: string, now: Date) => Rotations;
  /** Writes what changed since it was last written; a round's writing and a question's come one after the other. */
  readonly save: () => Promise<void>;
}

export interface Rotations {
  readonly rotations: number;
  /** ISO 8601. */
  readonly since: string;
}

interface Remembered {
  readonly bundles: Record<string, { readonly digest: string; readonly since: string }>;
  readonly svids: Record<string, Rotations & { readonly serial: string }>;
}

/** Opens the memory at `file`. A file that is not there or not readable as such begins an empty one. */
export async function openMemory(file: string, forgot: (reason: string) => void): Promise<Memory> {
  const { bundles, svids } = await readRemembered(file, forgot);
  let changed = false;
  let saving: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    if (!changed) return;
    changed = false;
    try {
      await writeWhole(file, `${JSON.stringify({ bundles, svids })}\n`, { mode: 0o640 });
    } catch (error) {
      changed = true;
      throw error;
    }
  };
  return {
    holdsBundle: (trustDomain, digest, now) => {
      const before = bundles[trustDomain];
      if (before?.digest === digest) return before.since;
      changed = true;
      const since = now.toISOString();
      bundles[trustDomain] = { digest, since };
      return since;
    },
    holdsSvid: (sidecar, serial, now) => {
      const before = svids[sidecar];
      if (before?.serial === serial) return before;
      changed = true;
      const after =
        before === undefined
          ? { serial, rotations: 0, since: now.toISOString() }
          : { serial, rotations: before.rotations + 1, since: before.since };
      svids[sidecar] = after;
      return after;
    },
    save: () => (saving = saving.then(write, write)),
  };
}

async function readRemembered(file: string, forgot: (reason: string) => void): Promise<Remembered> {
  try {
    const { bundles = {}, svids = {} }: Partial<Remembered> = JSON.parse(await readFile(file, "utf8"));
    return { bundles, svids };
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") forgot(`${file} cannot be read: ${messageOf(error)}`);
    return { bundles: {}, svids: {} };
  }
}
