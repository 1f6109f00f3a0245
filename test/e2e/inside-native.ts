// What a test may know and do that the command line does not offer, for the native runtime: by this machine's processes,
// folders and sockets.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { systemErrorCode } from "../../scripts/errors.ts";
import { allPids, commandLineOf, identityOf, isAlive, ownerOf } from "../../scripts/runtime/proc.ts";
import type { State } from "../../scripts/runtime/state.ts";
import { until } from "../../scripts/wait.ts";
import { planOf } from "./applied-plan.ts";
import { dial } from "./dial.ts";
import type { Inside } from "./inside.ts";
import { keyMaterialBelow } from "./key-material.ts";
import type { Place } from "./place.ts";
import { sendSignal, textsOf } from "./process-texts.ts";

/** Every numeric user of a mesh, as root. */
const usersPerMesh = 1000;

export const insideNative: Inside = {
  signal: async (pid, signal) => void sendSignal({ pid, signal }),
  serverCommand: async (_place, { words: [program, ...words] }) => (await promisify(execFile)(program, words)).stdout,
  dialBeside: (_place, _process, options) => dial(options),
  tracesOf: async (place) => {
    const { places, allocations } = await stateOf(place);
    const folders = [...new Set([...Object.values(places), place.stateDir])];
    const first = allocations.users?.first;
    const claim = `/var/lib/mesh-users/${first}`;
    const processes = async (): Promise<string[]> =>
      meshProcesses(folders, first).map((pid) => `process ${pid} ${commandLineOf(pid)}`);
    return {
      processes,
      keys: async () => [...new Set(keyMaterialBelow(folders).map(({ path }) => path))],
      remains: async () => [
        ...(await processes()),
        ...folders.filter((path) => existsSync(path)).map((path) => `folder ${path}`),
        ...(first !== undefined && existsSync(claim) ? [`claim ${claim}`] : []),
        ...unixSockets().filter((path) => folders.some((folder) => path.startsWith(`${folder}/`))),
      ],
    };
  },
  privateKeys: async (place) => {
    const folders = (await planOf(place)).domains.flatMap(({ server, agent }) => [
      server.dataDir,
      dirname(agent.privateKey),
      agent.dataDir,
    ]);
    return [...new Set(keyMaterialBelow(folders).map(({ key }) => key))];
  },
  whatIsShown: async (place) => {
    const { places } = await stateOf(place);
    const texts = textsOf((await place.ps()).flatMap(({ pid }) => pid ?? []));
    return [
      ...texts.flatMap(({ pid, arguments: words, environment }) => [
        { where: `arguments of ${pid}`, text: words },
        { where: `environment of ${pid}`, text: environment },
      ]),
      ...filesBelow(places.logDir).map((path) => ({ where: path, text: readFileSync(path, "utf8") })),
    ];
  },
};

async function stateOf({ stateDir }: Pick<Place, "stateDir">): Promise<State> {
  const state: State = JSON.parse(await readFile(join(stateDir, "state.json"), "utf8"));
  return state;
}

/** Where its sockets are; gone after a restart of the machine. */
export async function runDirOf(place: Place): Promise<string> {
  return (await stateOf(place)).places.runDir;
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

/** /proc/net/unix: the last field is the path. */
function unixSockets(): string[] {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.flatMap((line) => {
    const path = line.split(" ").at(-1) ?? "";
    return path.startsWith("/") ? [path] : [];
  });
}
