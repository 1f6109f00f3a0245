// Looks what the machine has that the tasks of prerequisites.ts need. It only looks.

import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { systemErrorCode } from "../errors.ts";

export interface Machine {
  /** `1.26.8`; undefined: there is no Go. */
  readonly go: string | undefined;
  /** A C compiler that finds the C library's headers. */
  readonly cCompiler: string | undefined;
  /** `3.11.7`; undefined: there is no Python 3. */
  readonly python: string | undefined;
  /** Python's modules venv and ensurepip are there; Debian keeps them in a package of their own. */
  readonly venv: boolean;
  /** Of tar, flock and setpriv, those that are not there. */
  readonly missingPrograms: readonly string[];
  /** Where the cache lies. */
  readonly freeBytes: number;
  /** What interrupted runs left in the cache to go on from: it need not be free. */
  readonly begunBytes: number;
}

export interface ExamineOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  /** Folders an interrupted run may have left. */
  readonly workDirs: readonly string[];
}

/** Takes about 0.1 s. */
export async function examineMachine({ env, cacheDir, workDirs }: ExamineOptions): Promise<Machine> {
  const probe = prober(env);
  const [go, cCompiler, python, programs, freeBytes, sizes] = await Promise.all([
    prober({ ...env, ...quietGo })(["go", "version"]),
    findCompiler(probe, env),
    probe(["python3", "-c", pythonQuestion]),
    Promise.all(
      ["tar", "flock", "setpriv"].map(async (name) => ((await probe([name, "--version"])) === undefined ? [name] : [])),
    ),
    freeSpace(cacheDir),
    Promise.all(workDirs.map((dir) => probe(["du", "-sk", dir]))),
  ]);
  const [pythonVersion, venv] = python?.trim().split(" ") ?? [];
  return {
    go: go === undefined ? undefined : /go(\d+\.\d+(?:\.\d+)?)/u.exec(go)?.[1],
    cCompiler,
    python: pythonVersion,
    venv: venv === "True",
    missingPrograms: programs.flat(),
    freeBytes,
    begunBytes: sizes.reduce((sum, line) => sum + Number.parseInt(line ?? "0", 10) * 1024, 0),
  };
}

/** Looking fetches no other Go, and leaves none of its telemetry in the user's home. */
const quietGo = { GOTOOLCHAIN: "local", XDG_CONFIG_HOME: "/dev/null" };

const pythonQuestion = `
import importlib.util, platform
print(platform.python_version(), all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")))
`;

type Probe = (command: readonly string[], input?: string) => Promise<string | undefined>;

/** Runs a short program; undefined when it is not there or does not succeed. */
function prober(env: NodeJS.ProcessEnv): Probe {
  return async ([program = "", ...args], input = "") => {
    const running = promisify(execFile)(program, args, { env, timeout: 30_000 });
    running.child.stdin?.on("error", () => {
      // A program that is not there, or that reads nothing: what counts is how it ends.
    });
    running.child.stdin?.end(input);
    try {
      return (await running).stdout;
    } catch {
      // Not there, or not able to do even this: either way it cannot be used.
      return undefined;
    }
  };
}

/** Go's own choice is gcc unless $CC says otherwise; clang and cc do as well. */
async function findCompiler(probe: Probe, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const candidates = env["CC"] ? [env["CC"]] : ["gcc", "clang", "cc"];
  for (const candidate of candidates) {
    const command = [...candidate.split(" "), "-E", "-x", "c", "-"];
    if ((await probe(command, "#include <stdlib.h>\n")) !== undefined) return candidate;
  }
  return undefined;
}

/** Of the file system on which the folder lies, or will lie once it is made. */
async function freeSpace(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" && dirname(dir) !== dir) return freeSpace(dirname(dir));
    throw error;
  }
}
