// Somebody who got into a container: attempts made by attempt.ts inside it, or, where its image has no Node, in a container
// that shares its namespaces, its volumes and its user.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { versions } from "../../scripts/tools/versions.ts";
import type { Attempt, Ending } from "./attempt.ts";
import { groupsOf, type Inspected } from "./inspected.ts";

export const nodeImage = `node:${versions.node.version}-bookworm-slim`;

/** As the mesh runs containers. */
export const confined = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];

const node = ["--input-type=module-typescript", "-"];

/** In the container itself, whose image has Node; as its own user unless given. */
export async function inside(
  { Id, Config }: Inspected,
  attempts: readonly Attempt[],
  { user = Config.User }: { readonly user?: string } = {},
): Promise<readonly Ending[]> {
  return attack(["exec", "--interactive", "--user", user, Id, "node"], attempts);
}

export interface Likeness {
  readonly user?: string;
  readonly groups?: readonly string[];
}

/** Beside the container: its network, its processes, its volumes, its user. */
export async function actingAs(
  container: Inspected,
  attempts: readonly Attempt[],
  { user = container.Config.User, groups = groupsOf(container) }: Likeness = {},
): Promise<readonly Ending[]> {
  const { Id, HostConfig, State } = container;
  const isRunning = State.Status === "running";
  const network = isRunning ? `container:${Id}` : HostConfig.NetworkMode;
  const pid = HostConfig.PidMode === "host" ? "host" : isRunning ? `container:${Id}` : "";
  const likeness = ["--network", network, ...(pid === "" ? [] : ["--pid", pid]), "--volumes-from", Id];
  return outside(
    [...confined, ...likeness, "--user", user, ...groups.flatMap((group) => ["--group-add", group])],
    attempts,
  );
}

/** In a container of Node's image, made as the words say. */
export async function outside(words: readonly string[], attempts: readonly Attempt[]): Promise<readonly Ending[]> {
  return attack(["run", "--rm", "--interactive", "--entrypoint", "node", ...words, nodeImage], attempts);
}

/** Root of the machine that the engine is on: sees every process, and every container's files by /proc/PID/root. */
export async function asRootOfTheHost(attempts: readonly Attempt[]): Promise<readonly Ending[]> {
  const root = ["--user", "0:0", "--cap-add", "SYS_PTRACE", "--security-opt", "apparmor=unconfined"];
  return outside([...root, "--pid", "host", "--network", "none"], attempts);
}

/** The one ending of one attempt. */
export async function only(endings: Promise<readonly Ending[]>): Promise<Ending> {
  const [ending] = await endings;
  if (ending === undefined) throw new Error("no attempt was made");
  return ending;
}

async function attack(command: readonly string[], attempts: readonly Attempt[]): Promise<readonly Ending[]> {
  const program = await readFile(join(import.meta.dirname, "attempt.ts"), "utf8");
  const child = spawn("docker", [...command, ...node, JSON.stringify(attempts)], { timeout: 60_000 });
  child.stdin.on("error", () => {}); // It ended before it read everything: its own words say why.
  child.stdin.end(program);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const endings: readonly Ending[] = JSON.parse(stdout);
    return endings;
  } catch (error) {
    throw new Error(`docker ${command.join(" ")} said:\n${stderr}${stdout}`, { cause: error });
  }
}
