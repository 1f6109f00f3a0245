// What dockerd leaves in the machine's network when it ends (bridges, iptables rules, forwarding): recorded before our
// own engine starts, undone after it has ended.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import { systemErrorCode } from "../../errors.ts";

interface NetworkBefore {
  /** Of this boot of the machine: after another, nothing of it is true. */
  readonly boot: string;
  /** The names of all network devices. */
  readonly links: readonly string[];
  /** Whether the kernel forwarded IPv4: `0` or `1`. */
  readonly forwarding: string;
  /** Per iptables program and table, the lines of `iptables-save`. */
  readonly rules: Readonly<Record<string, readonly string[]>>;
  /** Finds the iptables that dockerd uses. */
  readonly path: string;
}

const forwardingFile = "/proc/sys/net/ipv4/ip_forward";
const families = ["iptables", "ip6tables"] as const;
const tables = ["filter", "nat"] as const;

/** Keeps the record that an engine left which was killed: its traces are still there. */
export async function recordNetworkBefore(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  if ((await readBefore(file)) !== undefined) return;
  const rules: Record<string, string[]> = {};
  for (const family of families) {
    for (const table of tables) rules[`${family} ${table}`] = await save(family, table, env);
  }
  const links = await readdir("/sys/class/net");
  const forwarding = (await readFile(forwardingFile, "utf8")).trim();
  const before: NetworkBefore = { boot: await bootId(), links, forwarding, rules, path: env["PATH"] ?? "" };
  await writeFile(file, JSON.stringify(before));
}

/** Removes the bridges that were not there before, and of the iptables rules those of Docker that were not. */
export async function restoreNetwork(file: string): Promise<void> {
  const before = await readBefore(file);
  if (before === undefined) return;
  const env = { ...process.env, PATH: before.path };
  for (const name of await readdir("/sys/class/net")) {
    if (isDockerBridge(name) && !before.links.includes(name)) {
      await promisify(execFile)("ip", ["link", "delete", name], { env });
    }
  }
  let isAlone = true;
  for (const family of families) {
    for (const table of tables) {
      const rulesBefore = before.rules[`${family} ${table}`] ?? [];
      const script = undo(table, await save(family, table, env), rulesBefore);
      if (script !== undefined) await restore(family, script, env);
      const rulesAfter = await save(family, table, env);
      isAlone &&= rulesAfter.every((line) => !line.startsWith("-A ") || rulesBefore.includes(line));
    }
  }
  // Whoever has added rules meanwhile may need forwarding by now.
  if (isAlone) await writeFile(forwardingFile, before.forwarding);
  await rm(file);
}

/**
 * Input for `iptables-restore --noflush` that takes Docker's chains and the rules that lead to them out of a table, and
 * gives FORWARD its policy back; undefined when there is nothing to do. Rules of others stay, new ones too.
 */
export function undo(table: string, now: readonly string[], before: readonly string[]): string | undefined {
  const chains = now.flatMap((line) => /^:(DOCKER\S*) /u.exec(line)?.[1] ?? []);
  const newChains = chains.filter((chain) => !before.some((line) => line.startsWith(`:${chain} `)));
  const isOfNewChain = (rule: string): boolean => newChains.some((chain) => rule.startsWith(`-A ${chain} `));
  const rules = now.filter((line) => line.startsWith("-A ") && !before.includes(line) && !isOfNewChain(line));
  const ofDocker = rules.filter((rule) => /-j DOCKER|\b(?:docker0|br-[0-9a-f]{12})\b/u.test(rule));
  const policies = before.flatMap((line) => /^:FORWARD (\S+)/u.exec(line)?.[1] ?? []);
  const changed = policies.filter((policy) => !now.some((line) => line.startsWith(`:FORWARD ${policy} `)));
  const commands = [
    ...changed.map((policy) => `:FORWARD ${policy} [0:0]`),
    ...ofDocker.map((rule) => rule.replace("-A ", "-D ")),
    ...newChains.map((chain) => `-F ${chain}`),
    ...newChains.map((chain) => `-X ${chain}`),
  ];
  return commands.length === 0 ? undefined : `${[`*${table}`, ...commands, "COMMIT"].join("\n")}\n`;
}

function isDockerBridge(name: string): boolean {
  return name === "docker0" || /^br-[0-9a-f]{12}$/u.test(name);
}

async function save(family: string, table: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(`${family}-save`, ["-t", table], { env });
    return stdout.split("\n");
  } catch {
    // A kernel without IPv6, or without that table: then dockerd puts nothing there.
    return [];
  }
}

async function restore(family: string, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(`${family}-restore`, ["--noflush", "--wait"], { env, stdio: ["pipe", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => said.push(chunk));
  child.stdin.end(script);
  const [status]: unknown[] = await once(child, "close");
  if (status !== 0) throw new Error(`${family}-restore ended with ${String(status)}: ${said.join("")}`);
}

async function readBefore(file: string): Promise<NetworkBefore | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const before: unknown = JSON.parse(text);
  return isNetworkBefore(before) && before.boot === (await bootId()) ? before : undefined;
}

async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

function isNetworkBefore(value: unknown): value is NetworkBefore {
  return typeof value === "object" && value !== null && "links" in value && "rules" in value && "path" in value;
}
