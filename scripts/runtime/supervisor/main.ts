// The supervisor: a detached process per mesh that starts and ends the others, commanded over its Unix socket. Killed
// with -9 it takes every process with it (setpriv.ts, --pdeathsig).
//
// Arguments: run folder, log folder, block of loopback addresses. File descriptor 3: one line when it answers.

import { chmodSync, closeSync, rmSync, writeSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";

import { messageOf, systemErrorCode } from "../../errors.ts";
import { nextRound } from "../../wait.ts";
import { heldName, holdName } from "../exclusive.ts";
import { identityOf } from "../proc.ts";
import { Fleet } from "./fleet.ts";
import { isRequest } from "./request.ts";
import { type Answers, type Request, protocolVersion, supervisorSocket, toLine } from "./protocol.ts";
import { rotateLogs } from "./rotation.ts";

const [runDir = "", logDir = "", block = ""] = process.argv.slice(2);
const socketPath = supervisorSocket(runDir);
/** After SIGTERM. */
const graceMs = 10_000;

const watchers = new Set<Socket>();
const closing = new AbortController();
const fleet = new Fleet({
  log,
  onExit: (status) => {
    for (const watcher of watchers) watcher.write(toLine({ exit: status }));
  },
});

const server = createServer(converse);

async function main(): Promise<void> {
  process.umask(0o077);
  process.chdir("/");
  const held = await holdName(heldName(Number(block)));
  if (held === undefined) log(`another mesh uses block ${block} of loopback addresses`);
  rmSync(socketPath, { force: true });
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(socketPath, listening.resolve);
  await listening.promise;
  chmodSync(socketPath, 0o600);
  // Unix sockets of the processes can be opened by their group: their folders say which group that is (plan/layout.ts).
  process.umask(process.getuid?.() === 0 ? 0o007 : 0o077);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void shutDown(signal));
  process.on("SIGHUP", () => log("SIGHUP: nothing to read again"));
  log(`supervising ${runDir}, pid ${process.pid}`);
  writeSync(3, "ready\n");
  closeSync(3);
  // The first start compiles; the next one of any mesh of this user must not.
  flushCompileCache();
  await keepLogsShort();
}

/** A full disk, a removed log folder or too many watches must not end the mesh. */
async function keepLogsShort(): Promise<void> {
  const { signal } = closing;
  while (!signal.aborted) {
    try {
      const writerOf = (file: string): number | undefined => fleet.writerOf(file);
      await rotateLogs({ logDir, maxBytes: 5_000_000, keep: 2, writerOf, log, signal });
    } catch (error) {
      log(`logs are not rotated for a minute: ${messageOf(error)}`);
      await nextRound(60_000, signal);
    }
  }
}

/** It does not hear its answer, and there is nobody else to tell. */
function wentAway(error: Error): void {
  log(`a command went away: ${error.message}`);
}

function converse(socket: Socket): void {
  socket.on("error", wentAway);
  socket.on("close", () => watchers.delete(socket));
  const lines = createInterface({ input: socket });
  // It emits its input's errors again, and an error that nobody listens to would end the mesh.
  lines.on("error", wentAway);
  lines.once("line", (line) => void reply(socket, line));
}

async function reply(socket: Socket, line: string): Promise<void> {
  try {
    const request: unknown = JSON.parse(line);
    if (!isRequest(request)) throw new Error("not a request");
    const result = await answer(request);
    socket.write(toLine({ ok: true, result }));
    if (request.op === "exits") watchers.add(socket);
    else socket.end();
    if (request.op === "shutdown") socket.once("finish", leave);
  } catch (error) {
    log(`request failed: ${messageOf(error)}`);
    socket.end(toLine({ ok: false, error: messageOf(error) }));
  }
}

async function answer(request: Request): Promise<Answers[Request["op"]]> {
  switch (request.op) {
    case "hello":
      return { protocol: protocolVersion, ...(identityOf(process.pid) ?? { pid: process.pid, started: "" }) };
    case "start":
      return fleet.start(request.specs, graceMs);
    case "stop":
      await fleet.stop(request.names, request.graceMs);
      return null;
    case "restart":
      return fleet.restart(request.names, request.graceMs);
    case "list":
      return fleet.list();
    case "shutdown":
      await fleet.stopAll(request.graceMs);
      return null;
    case "exits":
      return null;
    default:
      throw new Error("a request that no version knows");
  }
}

async function shutDown(reason: string): Promise<void> {
  log(`${reason}: ending every process`);
  await fleet.stopAll(graceMs);
  leave();
}

function leave(): void {
  closing.abort();
  rmSync(socketPath, { force: true });
  log("ended");
  process.exit(0);
}

function log(message: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} ${message}\n`);
  } catch {
    // The disk is full: there is nowhere to say so, and the processes matter more than this line.
  }
}

process.on("uncaughtException", (error) => {
  log(`bug: ${error.stack ?? error.message}`);
  // What the system refused (a file, a socket, a watch) says nothing of the processes. Anything else ends the mesh
  // rather than supervise it in an unknown state; the kernel ends the processes.
  if (systemErrorCode(error) === undefined || !("syscall" in error)) process.exit(70);
});

await main();
