// What meshes on one machine must not share: blocks of loopback addresses, and as root blocks of numeric users.
// Addresses are held by whoever runs, so a stopped mesh has none. Users are kept until `down`, because files of a
// stopped mesh still belong to them: a link per block, /var/lib/mesh-users/<first id>, names the state folder.

import { readFileSync } from "node:fs";
import { mkdir, readdir, readlink, rename, rmdir, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";
import { readPlainFile } from "../whole-file.ts";
import { loopbackAddress, userBlockSize } from "./allocate.ts";
import { choosingName, heldName, holdName } from "./exclusive.ts";
import { bindProblem } from "./listening.ts";

const blocks = 4000;
/** Above the ranges that distributions give to accounts and to systemd's dynamic users (systemd UIDS-GIDS). */
const firstUser = 600_000;
const claimsDir = "/var/lib/mesh-users";

export interface Claimed extends AsyncDisposable {
  readonly block: number;
}

/**
 * Finds a block of loopback addresses that no mesh uses and on which `ports` are free. Dispose of it when the
 * supervisor holds the block; until then no other command can choose it.
 *
 * @param options.preferred the block of before, taken again when it is free
 * @throws MeshError MESH_ADDRESS_UNUSABLE
 */
export async function claimLoopback(options: {
  readonly preferred: number | undefined;
  readonly ports: readonly number[];
}): Promise<Claimed> {
  let blocked = 0;
  for (const block of candidates(options.preferred)) {
    const choosing = await holdName(choosingName("loopback", block));
    if (choosing === undefined) continue;
    if (await isFree(block)) {
      // Somebody who listens on every address is in the way in all blocks: preflight will say who it is.
      if (blocked >= 8 || (await portsAreFree(block, options.ports)))
        return { block, [Symbol.asyncDispose]: () => choosing[Symbol.asyncDispose]() };
      blocked += 1;
    }
    await choosing[Symbol.asyncDispose]();
  }
  throw new MeshError("MESH_ADDRESS_UNUSABLE", `all ${blocks} blocks of loopback addresses are in use`, {
    fix: "stop another mesh: ./mesh stop",
  });
}

async function isFree(block: number): Promise<boolean> {
  const held = await holdName(heldName(block));
  await held?.[Symbol.asyncDispose]();
  return held !== undefined;
}

async function portsAreFree(block: number, ports: readonly number[]): Promise<boolean> {
  const host = loopbackAddress(block, 1);
  const problems = await Promise.all(ports.map((port) => bindProblem({ host, port })));
  return problems.every((problem) => problem === undefined);
}

/**
 * Claims a block of numeric users for good; `releaseUsers` ends it. Dispose of the result when state.json names the
 * block.
 *
 * @returns `block` is the first id
 * @throws MeshError MESH_STATE_INVALID when `preferred` is another mesh's by now
 */
export async function claimUsers(options: {
  readonly preferred: number | undefined;
  readonly stateDir: string;
}): Promise<Claimed> {
  await mkdir(claimsDir, { recursive: true, mode: 0o755 });
  const reserved = options.preferred === undefined ? reservedRanges() : [];
  for (const index of options.preferred === undefined ? candidates(undefined) : [0]) {
    const first = options.preferred ?? firstUser + index * userBlockSize;
    if (reserved.some((range) => range.first < first + userBlockSize && first < range.end)) continue;
    const choosing = await holdName(choosingName("users", first));
    if (choosing === undefined) continue;
    if (await takeLink(first, options.stateDir))
      return { block: first, [Symbol.asyncDispose]: () => choosing[Symbol.asyncDispose]() };
    await choosing[Symbol.asyncDispose]();
  }
  const { preferred } = options;
  const what =
    preferred === undefined
      ? "every block of numeric users is"
      : `users ${preferred} to ${preferred + userBlockSize - 1} are`;
  throw new MeshError("MESH_STATE_INVALID", `${what} in use by another mesh`, {
    fix: `see which: ls -l ${claimsDir}`,
  });
}

/** Every claim on users: the state folder and the first id. */
export async function usersClaims(): Promise<{ readonly stateDir: string; readonly first: number }[]> {
  const names = (await namesIn(claimsDir)).filter((name) => /^\d+$/.test(name));
  const claims = await Promise.all(
    names.map(async (name) => {
      const stateDir = await linkTarget(join(claimsDir, name));
      return stateDir === undefined ? [] : [{ stateDir, first: Number(name) }];
    }),
  );
  return claims.flat();
}

/** The blocks that are claimed for a state folder, by their first ids. */
export async function claimedUsers(stateDir: string): Promise<number[]> {
  return (await usersClaims()).filter((claim) => claim.stateDir === stateDir).map(({ first }) => first);
}

/** Ends every claim of a state folder. */
export async function releaseUsers(stateDir: string): Promise<void> {
  for (const first of await claimedUsers(stateDir)) await unlinkIfThere(join(claimsDir, String(first)));
  try {
    await rmdir(claimsDir);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOTEMPTY" && systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Only called while the choosing name of the block is held, so nobody else changes the link meanwhile. */
async function takeLink(first: number, stateDir: string): Promise<boolean> {
  const link = join(claimsDir, String(first));
  const target = await linkTarget(link);
  if (target === stateDir) return true;
  if (target !== undefined && (await stateNames(target, first))) return false;
  const fresh = `${link}.new`;
  await unlinkIfThere(fresh);
  await symlink(stateDir, fresh);
  await rename(fresh, link);
  return true;
}

/** Whether the state folder that a claim names still uses those users; a state folder removed by hand does not. */
async function stateNames(stateDir: string, first: number): Promise<boolean> {
  try {
    const file = await readPlainFile(join(stateDir, "state.json"));
    if (file === undefined) return false;
    const state: { allocations?: { users?: { first?: unknown } } } | null = JSON.parse(file.content);
    return state?.allocations?.users?.first === first;
  } catch (error) {
    if (systemErrorCode(error) === "ENOTDIR") return false;
    // Damaged: it may still be used, and there are other blocks.
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function linkTarget(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

interface Range {
  readonly first: number;
  /** Not included. */
  readonly end: number;
}

/** Ids of accounts, groups and of the ranges given to user namespaces (passwd(5), group(5), subuid(5), subgid(5)). */
function reservedRanges(): Range[] {
  return [
    ...["/etc/passwd", "/etc/group"].flatMap(linesOf).map((fields) => rangeOf(fields[2], "1")),
    ...["/etc/subuid", "/etc/subgid"].flatMap(linesOf).map(([, from, count]) => rangeOf(from, count)),
  ];
}

function rangeOf(from: string | undefined, count: string | undefined): Range {
  return { first: Number(from), end: Number(from) + Number(count) };
}

function linesOf(path: string): string[][] {
  try {
    const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => line.split(":"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function* candidates(preferred: number | undefined): Generator<number> {
  if (preferred !== undefined) yield preferred;
  for (let block = 1; block <= blocks; block += 1) if (block !== preferred) yield block;
}
