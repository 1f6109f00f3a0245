// Where everything of our own Docker engine lies, and whether it runs.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../../errors.ts";

/** Where everything of our own engine lies. */
export interface OwnEnginePlaces {
  /** Images, containers, volumes: kept, so that the next start finds its images. */
  readonly dataDir: string;
  readonly logFile: string;
  readonly configFile: string;
  readonly lockFile: string;
  /** What the machine's network was like before. */
  readonly networkFile: string;
  /** Sockets and what dies with the engine; short, for a Unix socket's path ends at 107 bytes. */
  readonly runDir: string;
  readonly pidFile: string;
  readonly socket: string;
}

export function ownEnginePlaces(cacheDir: string): OwnEnginePlaces {
  const dir = join(cacheDir, "docker");
  const runDir = `/run/mesh-engine-${createHash("sha256").update(cacheDir).digest("hex").slice(0, 8)}`;
  return {
    dataDir: join(dir, "data"),
    logFile: join(dir, "dockerd.log"),
    configFile: join(dir, "daemon.json"),
    lockFile: join(dir, "engine.lock"),
    networkFile: join(runDir, "network-before.json"),
    runDir,
    pidFile: join(runDir, "dockerd.pid"),
    socket: join(runDir, "docker.sock"),
  };
}

/** The pid of the engine of this cache; undefined when it does not run. */
export async function ownEnginePid({ pidFile }: OwnEnginePlaces): Promise<number | undefined> {
  const pid = Number(await textOf(pidFile));
  return pid > 0 && (await isOwnEngine(pid, pidFile)) ? pid : undefined;
}

/** A pid is used again: it is ours only while its command line names our pid file. What has ended has none. */
export async function isOwnEngine(pid: number, pidFile: string): Promise<boolean> {
  return (await textOf(`/proc/${pid}/cmdline`))?.split("\0").includes(pidFile) === true;
}

/** The text of a file; undefined when there is none. */
export async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    // The second: a process that ended while its file was read.
    if (["ENOENT", "ESRCH"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}
