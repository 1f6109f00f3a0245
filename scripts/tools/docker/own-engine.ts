// A Docker engine of our own, for CI and tests: Debian's dockerd beside everything else on the machine, with its own
// socket, pid file, log, configuration and data. Whoever has the same tool cache has the same engine.

import { constants } from "node:fs";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { spawn } from "node:child_process";

import { MeshError } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { until } from "../../wait.ts";
import { takeFileLock } from "../lock.ts";
import { makePublicFolder } from "../store.ts";
import { endOwnEngine } from "./end-own-engine.ts";
import { recordNetworkBefore } from "./engine-traces.ts";
import { installEngine } from "./install-engine.ts";
import { provideIptables } from "./iptables.ts";
import { askSocket } from "./look-for-engine.ts";
import { type OwnEnginePlaces, ownEnginePid, ownEnginePlaces, textOf } from "./own-engine-places.ts";

export interface OwnEngineOptions {
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
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
  await installEngine({ ...options, env: withSystemPrograms(options.env) });
  const begun = performance.now();
  report({ kind: "start", stage: "docker", message: "starting a Docker engine" });
  const version = await startDaemon(places, { env: options.env, signal });
  const message = `Docker engine ${version} is up`;
  report({ kind: "done", stage: "docker", message, elapsedMs: performance.now() - begun });
  return { version, host, started: true };
}

/** Starts an engine that is installed and does not run; returns its version. Call it with the lock. */
export async function startDaemon(
  places: OwnEnginePlaces,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<string> {
  let daemon: Daemon | undefined;
  try {
    await mkdir(places.runDir, { recursive: true, mode: 0o755 });
    daemon = await launch(places, { env: withSystemPrograms(env), signal });
    return await untilUp(places, { signal, daemon });
  } catch (error) {
    await endOwnEngine(daemon?.pid, places, new AbortController().signal);
    throw error;
  }
}

interface Daemon {
  readonly pid: number | undefined;
  /** How it ended, or why it could not be started; undefined while it runs. */
  readonly ended: () => string | undefined;
}

async function launch(
  places: OwnEnginePlaces,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Daemon> {
  // Left by an engine that was killed: dockerd would take another process with that pid for itself, or for its containerd.
  await rm(places.pidFile, { force: true });
  await rm(join(places.runDir, "exec/containerd/containerd.pid"), { force: true });
  // Not the machine's /etc/docker/daemon.json: what that says may contradict the flags, and dockerd refuses.
  await writeFile(places.configFile, "{}\n");
  const PATH = await provideIptables({ env, dir: join(places.runDir, "bin"), signal });
  await recordNetworkBefore(places.networkFile, { ...env, PATH });
  await using log = await open(places.logFile, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644);
  // Detached: it outlives us, and Ctrl-C here is not for it.
  const options = { env: { ...env, PATH }, detached: true };
  const child = spawn("dockerd", flags(places), { ...options, stdio: ["ignore", log.fd, log.fd] });
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, by) => (ended = `dockerd ended with ${code ?? by ?? "nothing said"}`));
  child.unref();
  return { pid: child.pid, ended: () => ended };
}

/** An ordinary user's PATH lacks sbin, where dockerd and iptables are; root's may. */
function withSystemPrograms(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: [env["PATH"] ?? "", ...extraPath].join(delimiter) };
}

function flags({ configFile, dataDir, runDir, pidFile, socket }: OwnEnginePlaces): string[] {
  const execDir = join(runDir, "exec");
  const places = ["--config-file", configFile, "--data-root", dataDir, "--exec-root", execDir, "--pidfile", pidFile];
  return [...places, "--host", `unix://${socket}`, "--log-level", "warn"];
}

async function untilUp(
  places: OwnEnginePlaces,
  { signal, daemon }: { readonly signal: AbortSignal; readonly daemon?: Daemon },
): Promise<string> {
  let said = "";
  const look = async (): Promise<string | undefined> => {
    const ended = daemon?.ended();
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
