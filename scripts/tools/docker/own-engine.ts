// A Docker engine of our own, for CI and tests: Debian's dockerd beside everything else on the machine, with its own
// socket, pid file, log, configuration and data. A record in the tool cache says that it is ours.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type ChildProcess, spawn } from "node:child_process";

import { MeshError, systemErrorCode } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { until } from "../../wait.ts";
import { takeFileLock } from "../lock.ts";
import { makePublicFolder } from "../store.ts";
import { recordNetworkBefore } from "./engine-traces.ts";
import { installEngine } from "./install-engine.ts";
import { provideIptables } from "./iptables.ts";
import { askSocket } from "./look-for-engine.ts";

export interface OwnEngineOptions {
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

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

export interface OwnEngine {
  readonly version: string;
  /** For DOCKER_HOST. */
  readonly host: string;
  /** False: it ran already. */
  readonly started: boolean;
}

const startMs = 60_000;
const extraPath = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

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

/**
 * Returns the engine of this cache, having installed and started it when it does not run.
 *
 * @throws MeshError MESH_PREREQUISITE where it cannot be installed or run, MESH_ENGINE_ABSENT with the engine's last
 * lines when it does not start; what installEngine throws; the signal's reason
 */
export async function startOwnEngine(options: OwnEngineOptions): Promise<OwnEngine> {
  const { cacheDir, report, signal } = options;
  requireRoot();
  const places = ownEnginePlaces(cacheDir);
  await makePublicFolder(join(cacheDir, "docker"));
  const onWait = (pid: string | undefined): void =>
    report({ kind: "progress", stage: "docker", message: `waiting for another command (pid ${pid ?? "unknown"})` });
  await using _lock = await takeFileLock(places.lockFile, { signal, onWait });
  const host = `unix://${places.socket}`;
  if ((await ownEnginePid(places)) !== undefined) {
    return { version: await untilUp(places, { signal }), host, started: false };
  }
  const env = { ...options.env, PATH: [options.env["PATH"] ?? "", ...extraPath].join(delimiter) };
  await installEngine({ ...options, env });
  const begun = performance.now();
  report({ kind: "start", stage: "docker", message: "starting a Docker engine" });
  const version = await start(places, { env, signal });
  const message = `Docker engine ${version} is up`;
  report({ kind: "done", stage: "docker", message, elapsedMs: performance.now() - begun });
  return { version, host, started: true };
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

async function start(
  places: OwnEnginePlaces,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<string> {
  await mkdir(places.runDir, { recursive: true, mode: 0o755 });
  // Left by an engine that was killed: dockerd would take another process with that pid for itself, or for its containerd.
  await rm(places.pidFile, { force: true });
  await rm(join(places.runDir, "exec/containerd/containerd.pid"), { force: true });
  // Not the machine's /etc/docker/daemon.json: what that says may contradict the flags, and dockerd refuses.
  await writeFile(places.configFile, "{}\n");
  const PATH = await provideIptables({ env, dir: join(places.runDir, "bin"), signal });
  await recordNetworkBefore(places.networkFile, { ...env, PATH });
  await using log = await open(places.logFile, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644);
  const child = spawn("dockerd", flags(places), {
    env: { ...env, PATH },
    stdio: ["ignore", log.fd, log.fd],
    // It outlives us, and Ctrl-C here is not for it.
    detached: true,
  });
  try {
    return await untilUp(places, { signal, child });
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    child.unref();
  }
}

function flags({ configFile, dataDir, runDir, pidFile, socket }: OwnEnginePlaces): string[] {
  const execDir = join(runDir, "exec");
  const places = ["--config-file", configFile, "--data-root", dataDir, "--exec-root", execDir, "--pidfile", pidFile];
  return [...places, "--host", `unix://${socket}`, "--log-level", "warn"];
}

async function untilUp(
  places: OwnEnginePlaces,
  { signal, child }: { readonly signal: AbortSignal; readonly child?: ChildProcess },
): Promise<string> {
  let ended: string | undefined;
  child?.once("error", (error) => (ended = error.message));
  child?.once("exit", (code, by) => (ended = `dockerd ended with ${code ?? by ?? "nothing said"}`));
  let said = "";
  const look = async (): Promise<string | undefined> => {
    if (ended !== undefined) throw await didNotStart(ended, places.logFile);
    const sighting = await askSocket(places.socket, signal);
    if (sighting.kind === "answers") return sighting.version;
    said = sighting.said;
    return undefined;
  };
  const what = `the Docker engine answers on ${places.socket}`;
  return until(what, look, { deadlineMs: startMs, intervalMs: 20, signal, lastSeen: () => said });
}

async function didNotStart(ended: string, logFile: string): Promise<MeshError> {
  const lines = ((await textOf(logFile)) ?? "").trimEnd().split("\n");
  return new MeshError("MESH_ENGINE_ABSENT", `the Docker engine did not start: ${ended}`, {
    details: lines.slice(-12),
    fix: `see ${logFile}`,
  });
}

function requireRoot(): void {
  if (process.platform === "linux" && process.getuid?.() === 0) return;
  throw new MeshError("MESH_ENGINE_ABSENT", "no Docker engine answers, and starting one here takes root on Linux", {
    fix: "install Docker and start it, or run this as root",
  });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    // The second: a process that ended while its file was read.
    if (["ENOENT", "ESRCH"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}
