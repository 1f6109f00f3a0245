// What a test may know and do that the command line does not offer, for the native runtime: end processes from outside,
// look for what a mesh left on the machine, read keys as an auditor would, speak with a SPIRE Server.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

import { systemErrorCode } from "../../scripts/errors.ts";
import type { DomainPlan, Plan } from "../../scripts/plan/plan.ts";
import { allPids, commandLineOf, identityOf, isAlive, ownerOf } from "../../scripts/runtime/proc.ts";
import type { State } from "../../scripts/runtime/state.ts";
import { connectServer, type ServerApi } from "../../scripts/trust/server-api.ts";
import { until } from "../../scripts/wait.ts";
import type { Place } from "./place.ts";

/** Every numeric user of a mesh, as root. */
const usersPerMesh = 1000;

export async function planOf({ stateDir }: Pick<Place, "stateDir">): Promise<Plan> {
  const plan: Plan = JSON.parse(await readFile(join(stateDir, "plan.json"), "utf8"));
  return plan;
}

async function stateOf({ stateDir }: Pick<Place, "stateDir">): Promise<State> {
  const state: State = JSON.parse(await readFile(join(stateDir, "state.json"), "utf8"));
  return state;
}

/** Where its sockets are; gone after a restart of the machine. */
export async function runDirOf(place: Place): Promise<string> {
  return (await stateOf(place)).places.runDir;
}

export async function domainOf(place: Place, trustDomain: string): Promise<DomainPlan> {
  const domain = (await planOf(place)).domains.find((one) => one.trustDomain === trustDomain);
  if (domain === undefined) throw new Error(`the plan has no trust domain ${trustDomain}`);
  return domain;
}

/** Ends a process of the mesh as a crash would (SIGKILL), and returns the pid it had. */
export async function killProcess(place: Place, name: string): Promise<number> {
  const { pid } = await place.process(name);
  process.kill(pid, "SIGKILL");
  return pid;
}

/** Has a process hang (SIGSTOP) until it is thawed: it is there and does not answer. */
export async function freezeProcess(place: Place, name: string): Promise<void> {
  process.kill((await place.process(name)).pid, "SIGSTOP");
}

export async function thawProcess(place: Place, name: string): Promise<void> {
  process.kill((await place.process(name)).pid, "SIGCONT");
}

export async function supervisorPid(place: Place): Promise<number> {
  const { supervisor } = await stateOf(place);
  if (supervisor === undefined) throw new Error("the state names no supervisor");
  return supervisor.pid;
}

/** Ends what supervises the mesh (SIGKILL), and waits until it is gone. */
export async function killSupervisor(place: Place): Promise<void> {
  const { supervisor } = await stateOf(place);
  if (supervisor === undefined) throw new Error("the state names no supervisor");
  process.kill(supervisor.pid, "SIGKILL");
  await until("the supervisor has ended", () => !isAlive(supervisor), { deadlineMs: 5000 });
}

export async function connectToServer(place: Place, trustDomain: string): Promise<ServerApi> {
  return connectServer((await domainOf(place, trustDomain)).server.adminSocket);
}

export interface Minted {
  readonly certificate: string;
  readonly privateKey: string;
}

/** An SVID signed by the trust domain's real SPIRE Server for any SPIFFE ID of it. */
export async function mintSvid(place: Place, spiffeId: string): Promise<Minted> {
  const { server } = await domainOf(place, new URL(spiffeId).hostname);
  const binary = (await planOf(place)).processes.find(({ name }) => name === server.process)?.command[0];
  if (binary === undefined) throw new Error(`${server.process} is not planned`);
  const dir = await mkdtemp(join(tmpdir(), "mesh-svid-"));
  try {
    const words = ["x509", "mint", "-socketPath", server.adminSocket, "-spiffeID", spiffeId, "-write", dir];
    await promisify(execFile)(binary, words);
    return {
      certificate: await readFile(join(dir, "svid.pem"), "utf8"),
      privateKey: await readFile(join(dir, "key.pem"), "utf8"),
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** Where a mesh is on this machine, noted while it is up. */
export interface Traces {
  /** Everything of the mesh that is there now, in words; empty when nothing is. */
  readonly remains: () => string[];
  /** Processes of the mesh alone. */
  readonly processes: () => string[];
  /** Files that hold a private key. */
  readonly keys: () => string[];
  /** Every file below the folders of the mesh. */
  readonly files: () => string[];
}

export async function tracesOf(place: Place): Promise<Traces> {
  const { places, allocations } = await stateOf(place);
  const folders = [...new Set([...Object.values(places), place.stateDir])];
  const first = allocations.users?.first;
  const claim = `/var/lib/mesh-users/${first}`;
  const processes = (): string[] => meshProcesses(folders, first).map((pid) => `process ${pid} ${commandLineOf(pid)}`);
  return {
    processes,
    files: () => folders.flatMap(filesBelow),
    keys: () => [...new Set(folders.flatMap(filesBelow))].filter(holdsPrivateKey),
    remains: () => [
      ...processes(),
      ...folders.filter((path) => existsSync(path)).map((path) => `folder ${path}`),
      ...(first !== undefined && existsSync(claim) ? [`claim ${claim}`] : []),
      ...unixSockets().filter((path) => folders.some((folder) => path.startsWith(`${folder}/`))),
    ],
  };
}

/** Told by user as root, else by folders that arguments or environment name. Listeners need no look: these have them. */
function meshProcesses(folders: readonly string[], firstUser: number | undefined): number[] {
  return allPids().filter((pid) => {
    // A zombie has ended and has no identity; only its parent has not looked yet.
    if (identityOf(pid) === undefined) return false;
    const uid = ownerOf(pid) ?? 0;
    if (firstUser !== undefined && uid >= firstUser && uid < firstUser + usersPerMesh) return true;
    // The command line of a test's own child names the folder of mesh.yaml, not those below it.
    const words = `${commandLineOf(pid)} ${environmentOf(pid)}`;
    return folders.some((folder) => words.includes(`${folder}/`) || words.includes(`${folder} `));
  });
}

/** Empty when the process has ended or is not ours to see. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").replaceAll("\0", " ");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemErrorCode(error) ?? "")) return "";
    throw error;
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function holdsPrivateKey(path: string): boolean {
  return keyMaterialIn(path).length > 0;
}

/** /proc/net/unix: the last field is the path. */
function unixSockets(): string[] {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.flatMap((line) => {
    const path = line.split(" ").at(-1) ?? "";
    return path.startsWith("/") ? [path] : [];
  });
}

/** Base64 of the private keys in a file: PEM bodies, and what SPIRE's disk key manager keeps as JSON. */
function keyMaterialIn(path: string): string[] {
  const name = basename(path);
  if (!name.endsWith(".pem") && name !== "keys.json") return [];
  const text = readFileSync(path, "utf8");
  const bodies = [...text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END|"(MI[A-Za-z0-9+/=]{100,})"/g)];
  return bodies.map(([, pem, kept]) => (pem ?? kept ?? "").replaceAll(/\s/g, ""));
}

/** The private keys of SPIRE Servers and agents, as base64. */
export async function privateKeys(place: Place): Promise<string[]> {
  const plan = await planOf(place);
  return plan.domains.flatMap(({ server, agent }) =>
    [server.dataDir, dirname(agent.privateKey), agent.dataDir].flatMap(filesBelow).flatMap(keyMaterialIn),
  );
}

/** What any user, or whoever collects logs, can read: arguments and environment of every process, and all logs. */
export async function whatIsShown(place: Place): Promise<{ where: string; text: string }[]> {
  const { places } = await stateOf(place);
  const processes = await place.ps();
  return [
    ...processes.flatMap(({ name, pid }) =>
      ["cmdline", "environ"].map((file) => ({
        where: `${file} of ${name}`,
        text: readFileSync(`/proc/${pid}/${file}`, "utf8"),
      })),
    ),
    ...filesBelow(places.logDir).map((path) => ({ where: path, text: readFileSync(path, "utf8") })),
  ];
}
