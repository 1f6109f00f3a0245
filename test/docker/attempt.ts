// Runs in a container, from standard input of its Node: makes the attempts it is given, and prints how each ended.

import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import { lookup } from "node:dns/promises";
import { appendFile, chown, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { type NetConnectOpts, connect } from "node:net";
import { networkInterfaces } from "node:os";

export type Attempt =
  | { readonly connect: { readonly path: string } | { readonly host: string; readonly port: number } }
  | { readonly write: string; readonly bytes?: number }
  | { readonly append: string; readonly lines: number }
  | { readonly read: string }
  | { readonly list: string }
  | { readonly sizeOf: string }
  | { readonly resolve: string }
  | { readonly interfaces: true }
  | { readonly become: number }
  | { readonly kill: number; readonly by?: NodeJS.Signals }
  | { readonly giveAway: string; readonly to: number }
  /** So many processes at once. */
  | { readonly spawn: number }
  /** So much memory, and whoever else runs here is the first to be killed for it. */
  | { readonly allocateMiB: number };

/** What was got, or the code of the error. */
export type Ending = string;

const connectMs = 1500;

async function make(attempt: Attempt): Promise<Ending> {
  if ("connect" in attempt) return reach(attempt.connect);
  if ("write" in attempt) return writeAndRemove(attempt.write, attempt.bytes ?? 1);
  if ("append" in attempt) return appendLines(attempt.append, attempt.lines);
  if ("read" in attempt) return readFile(attempt.read, "utf8");
  if ("list" in attempt) return (await readdir(attempt.list)).join(" ");
  if ("sizeOf" in attempt) return String((await stat(attempt.sizeOf)).size);
  if ("resolve" in attempt) return (await lookup(attempt.resolve)).address;
  if ("interfaces" in attempt) return Object.keys(networkInterfaces()).join(" ");
  if ("kill" in attempt) return String(process.kill(attempt.kill, attempt.by ?? 0));
  if ("giveAway" in attempt) return giveAway(attempt.giveAway, attempt.to);
  if ("spawn" in attempt) return spawnAll(attempt.spawn);
  if ("allocateMiB" in attempt) return allocate(attempt.allocateMiB);
  process.setuid?.(attempt.become);
  return `is ${process.getuid?.()}`;
}

function reach(to: NetConnectOpts): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const socket = connect({ ...to, timeout: connectMs });
  socket.once("connect", () => resolve("connected"));
  socket.once("timeout", () => resolve("timeout"));
  socket.once("error", (error) => resolve(codeOf(error)));
  return promise.finally(() => socket.destroy());
}

async function writeAndRemove(path: string, bytes: number): Promise<Ending> {
  try {
    await writeFile(path, Buffer.alloc(bytes, "x"));
    return "written";
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
}

/** Lines that do not compress well. */
async function appendLines(path: string, lines: number): Promise<Ending> {
  const chunk = 1000;
  for (let written = 0; written < lines; written += chunk) {
    const text = Array.from({ length: chunk }, () => crypto.randomUUID().repeat(3)).join("\n");
    await appendFile(path, `${text}\n`);
  }
  return "written";
}

async function giveAway(path: string, to: number): Promise<Ending> {
  await writeFile(path, "");
  try {
    await chown(path, to, to);
    return "given";
  } finally {
    await rm(path);
  }
}

async function spawnAll(count: number): Promise<Ending> {
  const children: ChildProcess[] = [];
  try {
    while (children.length < count) {
      const child = spawn("/bin/sleep", ["60"], { stdio: "ignore" });
      // Rejects with the error where there is one.
      await once(child, "spawn");
      children.push(child);
    }
    return String(count);
  } catch (error) {
    return `${children.length} ${codeOf(error)}`;
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

async function allocate(mebibytes: number): Promise<Ending> {
  const others = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  for (const other of others) await writeFile(`/proc/${other}/oom_score_adj`, "1000");
  const held = Array.from({ length: mebibytes }, () => Buffer.alloc(2 ** 20, 1));
  return `holds ${held.length} MiB`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

const attempts: readonly Attempt[] = JSON.parse(process.argv[2] ?? "[]");
const endings: Ending[] = [];
// Connections take no time from each other, and what is dropped is waited for.
if (attempts.every((attempt) => "connect" in attempt)) endings.push(...(await Promise.all(attempts.map(make))));
else for (const attempt of attempts) endings.push(await make(attempt).catch(codeOf));
process.stdout.write(JSON.stringify(endings));
