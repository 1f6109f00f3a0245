// Who listens where: whether an address can be bound, and which process has it when it cannot.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";

import { systemErrorCode } from "../errors.ts";
import type { HostPort } from "../model/mesh.ts";
import { allPids, commandLineOf, openFile, openFiles, ownerOf } from "./proc.ts";

/** Binds and lets go: undefined when that worked, else the system's code (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`). */
export async function bindProblem({ host, port }: HostPort): Promise<string | undefined> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  server.once("error", (error) => {
    const code = systemErrorCode(error);
    if (code === undefined) reject(error);
    else resolve(code);
  });
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  return promise;
}

export interface Listener {
  readonly pid: number;
  readonly command: string;
  readonly user: string;
}

/**
 * The process that listens on an address, or on that port of all addresses. undefined when there is none, or when it
 * is another user's, whose open files only root can see.
 */
export function listenerOn(address: HostPort): Listener | undefined {
  const sockets = new Set(listeningSockets(address).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  const pid = allPids().find((candidate) =>
    openFiles(candidate).some((fd) => sockets.has(openFile(candidate, fd) ?? "")),
  );
  if (pid === undefined) return undefined;
  return { pid, command: commandLineOf(pid) ?? "?", user: userName(ownerOf(pid)) };
}

/** Inodes of listening TCP sockets that stand in the way of binding `address` (proc(5), /proc/net/tcp). */
function listeningSockets({ host, port }: HostPort): string[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
        const [address = "", hexPort = ""] = local.split(":");
        const listens = state === "0A" && Number.parseInt(hexPort, 16) === port;
        return listens && standsInTheWay(address, host) ? [inode] : [];
      }),
  );
}

/** Of IPv4, of IPv6, and of IPv4 in a socket of IPv6, in words of this machine's order (proc(5)). */
const loopback = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/;

/** Whether a user's processes listen on more than loopback, in this network namespace. */
export function listensPastLoopback(uid: number, tables = ["/proc/net/tcp", "/proc/net/tcp6"]): boolean {
  return tables
    .flatMap((table) => readFileSync(table, "utf8").split("\n").slice(1))
    .some((line) => {
      const [, local = "", , state, , , , owner] = line.trim().split(/\s+/);
      return state === "0A" && Number(owner) === uid && !loopback.test(local.split(":")[0] ?? "");
    });
}

/** Addresses are in the table as hexadecimal words in the machine's byte order; all zeros is every address. */
function standsInTheWay(tableAddress: string, host: string): boolean {
  if (/^0+$/.test(tableAddress) || host === "0.0.0.0" || host === "::") return true;
  const octets = host.split(".").map(Number);
  if (octets.length !== 4) return true;
  const littleEndian = octets.toReversed().map(hexByte).join("");
  const bigEndian = octets.map(hexByte).join("");
  return [littleEndian, bigEndian].some((word) => tableAddress === word || tableAddress.endsWith(`FFFF0000${word}`));
}

function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, "0");
}

function userName(uid: number | undefined): string {
  if (uid === undefined) return "?";
  const entry = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.split(":")[2] === String(uid));
  return entry?.split(":")[0] ?? String(uid);
}
