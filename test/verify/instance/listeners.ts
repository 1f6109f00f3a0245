// Which TCP addresses processes listen at, whatever they were told: the kernel's own table (proc(5), /proc/net/tcp).

import { readFileSync } from "node:fs";
import { endianness } from "node:os";

import { openFile, openFiles } from "../../../scripts/runtime/proc.ts";

/** `127.0.0.1:9443`; an IPv6 address as the table has it. */
export function addressesOf(pids: readonly number[]): string[] {
  const sockets = new Set(pids.flatMap((pid) => openFiles(pid).map((fd) => openFile(pid, fd))));
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
        return state === "0A" && sockets.has(`socket:[${inode}]`) ? [inWords(local)] : [];
      }),
  );
}

function inWords(local: string): string {
  const [address = "", port = ""] = local.split(":");
  if (address.length !== 8) return `[${address}]:${Number.parseInt(port, 16)}`;
  const bytes = [...Buffer.from(address, "hex")];
  return `${(endianness() === "LE" ? bytes.toReversed() : bytes).join(".")}:${Number.parseInt(port, 16)}`;
}
