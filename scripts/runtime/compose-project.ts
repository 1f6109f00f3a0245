// One Compose project: how `docker compose` and `docker` are asked about it. Every call is bounded, and what they said is
// in the error.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";

import { MeshError, systemErrorCode } from "../errors.ts";

export interface ComposeProject {
  readonly name: string;
  /** Real path of the folder of its docker-compose.yml. */
  readonly dir: string;
  /** While it is there, who serves is not who mesh.yaml says, and it stands in docker-compose.yml's place (swapped.ts). */
  readonly swappedFile: string;
  /** How Compose is called: `docker compose`, or a docker-compose. */
  readonly command: readonly [string, ...string[]];
  /** With what Compose fills in, e.g. MESH_SUBNET. */
  readonly env: NodeJS.ProcessEnv;
}

export interface Said {
  /** Undefined: a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AskOptions {
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
  /** Each line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

const answerMs = 20_000;
const largestAnswer = 64 * 1024 ** 2;

/** Labels that Compose gives what it makes (Compose, pkg/api/labels.go). */
export const labels = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  workingDir: "com.docker.compose.project.working_dir",
} as const;

/** Runs `docker compose …` on the project to its end, whatever its status. */
export async function compose(
  project: ComposeProject,
  args: readonly string[],
  options: AskOptions = {},
): Promise<Said> {
  const [program, ...words] = project.command;
  return run(program, [...words, ...composeWords(project), ...args], project, options);
}

/** Runs `docker …`, and returns what it printed. */
export async function docker(
  project: ComposeProject,
  args: readonly string[],
  options: AskOptions = {},
): Promise<string> {
  // The project's folder need not be there yet, or any more.
  const { status, stdout, stderr } = await run("docker", args, { ...project, dir: "/" }, options);
  if (status === 0) return stdout;
  throw new Error(`docker ${args.slice(0, 2).join(" ")} ended with ${status ?? "a signal"}: ${stderr.trim()}`);
}

/** Ids of what the engine has of the project: containers, volumes or networks. */
export async function idsOf(project: ComposeProject, kind: "container" | "volume" | "network"): Promise<string[]> {
  const all = kind === "container" ? ["--all", "--no-trunc"] : [];
  const printed = await docker(project, [
    kind,
    "ls",
    ...all,
    "--quiet",
    "--filter",
    `label=${labels.project}=${project.name}`,
  ]);
  return printed.split("\n").filter((line) => line !== "");
}

const isGone = /no such (?:container|volume|network|object)|(?:container|volume|network) \S+ not found/iu;

/** What `docker … inspect` prints of these, a JSON array, without those that have gone since they were listed. */
export async function inspect(
  project: ComposeProject,
  kind: "container" | "volume" | "network",
  ids: readonly string[],
): Promise<string> {
  if (ids.length === 0) return "[]";
  const { status, stdout, stderr } = await run("docker", [kind, "inspect", ...ids], { ...project, dir: "/" }, {});
  const complaints = stderr.split("\n").filter((line) => line.trim() !== "" && !isGone.test(line));
  if (status === 0 || (stdout !== "" && complaints.length === 0)) return stdout;
  throw new Error(`docker ${kind} inspect ended with ${status ?? "a signal"}: ${stderr.trim()}`);
}

/**
 * Lines of the standard output of `docker compose …` as they come, until it ends or `signal` is aborted.
 *
 * @throws MeshError MESH_COMPOSE_FAILED with what it said on standard error, unless `signal` ended it
 */
export async function* linesOf(
  project: ComposeProject,
  args: readonly string[],
  signal: AbortSignal | undefined,
): AsyncIterable<string> {
  using running = startCompose(project, args, signal);
  running.stdin.end();
  yield* running.lines;
  if (signal?.aborted !== true) await running.succeeded();
}

/**
 * Runs `docker compose …`, says `first` to it, and answers each line it prints with a line; undefined: nothing more is said.
 *
 * @throws MeshError MESH_COMPOSE_FAILED with what it said on standard error; what `answer` throws
 */
export async function converse(
  project: ComposeProject,
  args: readonly string[],
  talk: {
    readonly first: string;
    readonly answer: (line: string) => Promise<string | undefined>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { first, answer, signal } = talk;
  signal.throwIfAborted();
  using running = startCompose(project, args, signal);
  running.stdin.write(`${first}\n`);
  for await (const line of running.lines) {
    const reply = await answer(line);
    if (reply === undefined) running.stdin.end();
    else running.stdin.write(`${reply}\n`);
  }
  signal.throwIfAborted();
  await running.succeeded();
}

interface RunningCompose extends Disposable {
  readonly stdin: Writable;
  /** Of its standard output, until it ends. */
  readonly lines: AsyncIterable<string>;
  /** @throws MeshError MESH_COMPOSE_FAILED with what it said on standard error */
  readonly succeeded: () => Promise<void>;
}

/** Ended when `signal` is aborted, and when it is disposed of. */
function startCompose(
  project: ComposeProject,
  args: readonly string[],
  signal: AbortSignal | undefined,
): RunningCompose {
  const [program, ...words] = project.command;
  const { dir: cwd, env } = project;
  const child = spawn(program, [...words, ...composeWords(project), ...args], { cwd, env, stdio: "pipe" });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdin.on("error", ignoreClosedPipe);
  const end = (): void => void child.kill();
  signal?.addEventListener("abort", end, { once: true });
  const ended = once(child, "close");
  return {
    stdin: child.stdin,
    lines: createInterface({ input: child.stdout, crlfDelay: Infinity }),
    succeeded: async () => {
      const [status]: unknown[] = await ended;
      if (status !== 0) throw composeFailed(args[0] ?? "", said);
    },
    [Symbol.dispose]: () => {
      signal?.removeEventListener("abort", end);
      child.kill();
    },
  };
}

/** What Compose said of a verb that failed. */
export function composeFailed(verb: string, stderr: string): MeshError {
  return new MeshError("MESH_COMPOSE_FAILED", `docker compose ${verb} failed`, {
    details: stderr.trim().split("\n").slice(-8),
    fix: "docker compose ps --all shows what is there; ./mesh down ends it",
  });
}

/** The Compose file of the project as it is now. */
export function composeFileOf({ dir, swappedFile }: Pick<ComposeProject, "dir" | "swappedFile">): string {
  return existsSync(swappedFile) ? swappedFile : join(dir, "docker-compose.yml");
}

function composeWords(project: ComposeProject): string[] {
  const { name, dir } = project;
  return ["--project-name", name, "--project-directory", dir, "--file", composeFileOf(project)];
}

async function run(
  program: string,
  args: readonly string[],
  { dir, env }: ComposeProject,
  { input = "", signal, deadlineMs = answerMs, onLine }: AskOptions,
): Promise<Said> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  const child = execFile(
    program,
    args,
    { cwd: dir, env, timeout: deadlineMs, maxBuffer: largestAnswer },
    (error, stdout, stderr) => {
      // A number is the exit status; a word, why there is none.
      if (systemErrorCode(error) !== undefined) reject(error);
      else resolve({ status: child.exitCode ?? undefined, stdout, stderr });
    },
  );
  // Compose answers an interruption by ending what it does in order.
  const end = (): void => void child.kill("SIGINT");
  signal?.addEventListener("abort", end, { once: true });
  if (onLine !== undefined && child.stderr !== null) createInterface({ input: child.stderr }).on("line", onLine);
  child.stdin?.on("error", ignoreClosedPipe).end(input);
  try {
    const said = await promise;
    signal?.throwIfAborted();
    return said;
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

function ignoreClosedPipe(error: unknown): void {
  if (systemErrorCode(error) !== "EPIPE") throw error;
}
