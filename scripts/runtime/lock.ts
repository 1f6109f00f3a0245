// The lock of a state folder: one command at a time changes a mesh. Files, not flock(2), which Node cannot reach.
//
// Every contender makes a file of its own, named after itself, and then looks at all the others. Whoever finds none
// holds the lock; between two that see each other the older process goes first. A file whose process has ended says
// nothing, and anybody may remove it: its name never comes back. So nobody ever takes a file over from somebody else,
// which is where two takers of one stale lock would race.

import { mkdir, readFile, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";
import { until } from "../wait.ts";
import { type ProcessIdentity, identityOf, isAlive } from "./proc.ts";
import { writeWhole } from "../whole-file.ts";

export interface Lock extends AsyncDisposable {
  /** What it is held for, e.g. `./mesh up`. */
  readonly command: string;
}

interface Claim extends ProcessIdentity {
  readonly command: string;
  /** Orders two locks that one process asks for. */
  readonly sequence: number;
  readonly held: boolean;
}

let sequence = 0;

/**
 * Takes the lock of a state folder, until disposed of or until this process ends, however it ends.
 *
 * @param command what to show to whoever comes second, e.g. `./mesh up`
 * @throws MeshError MESH_LOCKED naming the command that holds it, and its pid
 */
export async function takeLock(stateDir: string, command: string): Promise<Lock> {
  const folder = join(stateDir, "lock");
  const me: Claim = { ...ownIdentity(), command, sequence: sequence++, held: false };
  const file = join(folder, fileName(me));
  await writeClaim(file, me);
  try {
    await until("no other command is about to take the lock", () => mayHold(folder, me), { deadlineMs: 5000 });
    await writeClaim(file, { ...me, held: true });
  } catch (error) {
    await release(file);
    throw error;
  }
  return { command, [Symbol.asyncDispose]: () => release(file) };
}

/** Whether nobody else has, or goes for, the lock; false while a younger contender has not stepped back yet. */
async function mayHold(folder: string, me: Claim): Promise<boolean> {
  const others = (await readClaims(folder)).filter((claim) => fileName(claim) !== fileName(me));
  const winner = others.find(({ held }) => held) ?? others.find((other) => isOlder(other, me));
  if (winner !== undefined)
    throw new MeshError("MESH_LOCKED", `${winner.command} (pid ${winner.pid}) is changing this mesh`, {
      fix: `wait until it ends, or end it: kill ${winner.pid}`,
    });
  return others.length === 0;
}

/** Claims of processes that still run; the others are removed on the way. */
async function readClaims(folder: string): Promise<Claim[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const claims = await Promise.all(names.map((name) => readClaim(join(folder, name))));
  return claims.filter((claim) => claim !== undefined);
}

async function readClaim(file: string): Promise<Claim | undefined> {
  try {
    const claim: unknown = JSON.parse(await readFile(file, "utf8"));
    if (isClaim(claim) && isAlive(claim)) return claim;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  await rm(file, { force: true });
  return undefined;
}

async function writeClaim(file: string, claim: Claim): Promise<void> {
  await until(
    `${file} is written`,
    async () => {
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await writeWhole(file, JSON.stringify(claim), { mode: 0o600 });
        return true;
      } catch (error) {
        // A `down` that ends right now removed the folder in between.
        if (systemErrorCode(error) === "ENOENT") return false;
        throw lockProblem(dirname(file), error);
      }
    },
    { deadlineMs: 2000 },
  );
}

function lockProblem(folder: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") return error;
  return new MeshError("MESH_STATE_INVALID", `${folder} cannot be written (${code}): the mesh is another user's`, {
    fix: "run as the user who ran ./mesh up, or choose another place with --state DIR",
    cause: error,
  });
}

/** Also removes the folders, where `down` left nothing else in them. */
async function release(file: string): Promise<void> {
  await rm(file, { force: true });
  for (const folder of [dirname(file), dirname(dirname(file))]) {
    try {
      await rmdir(folder);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "ENOENT") continue;
      if (code === "ENOTEMPTY" || code === "EEXIST") return;
      throw error;
    }
  }
}

function fileName({ pid, sequence: number, started }: Claim): string {
  return `${pid}-${number}-${started.split("/").at(-1) ?? ""}.json`;
}

function isOlder(one: Claim, other: Claim): boolean {
  const ticks = startTicks(one) - startTicks(other);
  if (ticks !== 0) return ticks < 0;
  return one.pid === other.pid ? one.sequence < other.sequence : one.pid < other.pid;
}

function startTicks({ started }: Claim): number {
  return Number(started.split("/").at(-1) ?? 0);
}

function ownIdentity(): ProcessIdentity {
  return identityOf(process.pid) ?? { pid: process.pid, started: "" };
}

function isClaim(value: unknown): value is Claim {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "started" in value &&
    typeof value.started === "string" &&
    "command" in value &&
    typeof value.command === "string" &&
    "sequence" in value &&
    typeof value.sequence === "number" &&
    "held" in value &&
    typeof value.held === "boolean"
  );
}
