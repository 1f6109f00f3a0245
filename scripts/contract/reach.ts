// Rules about what an app touches: no network but its own address, no TLS material. Seen from outside, in /proc.

import { readFileSync } from "node:fs";

import { allPids, openFile, openFiles, readStat } from "../runtime/proc.ts";
import type { HostPort } from "../model/mesh.ts";
import { type Candidate } from "./candidate.ts";
import { failed, notChecked, passed, type Finding } from "./verdict.ts";

/** Looks again and again while the other rules are checked; what it saw is asked for at the end. */
export interface Lookout {
  readonly look: () => Promise<void>;
  readonly network: () => Finding;
  readonly material: () => Finding;
}

const certificateOrKey = /\.(?:pem|crt|cer|key|p12|pfx|jks)$|\/cacerts$|agent\.sock$/;

export function lookout(candidate: Candidate): Lookout {
  const reached = new Set<string>();
  const touched = new Set<string>();
  let looks = 0;
  const own = "socket" in candidate.address ? undefined : candidate.address;
  return {
    look: async () => {
      const pid = await candidate.pid();
      if (pid === undefined) return;
      const files = groupOf(pid).flatMap((one) => openFiles(one).map((fd) => openFile(one, fd) ?? ""));
      if (files.length === 0) return;
      looks += 1;
      for (const address of internetSockets(new Set(files), own)) reached.add(address);
      for (const file of files) if (certificateOrKey.test(file)) touched.add(file);
    },
    network: () => {
      if (looks === 0) return notChecked("its open files cannot be seen from here");
      return reached.size === 0
        ? passed(`none in ${looks} looks`)
        : failed(`it has sockets besides its own address: ${[...reached].join(", ")}`);
    },
    material: () =>
      touched.size > 0
        ? failed(`it has open: ${[...touched].join(", ")}`)
        : looks === 0
          ? notChecked("its open files cannot be seen from here")
          : notChecked(`none was open in ${looks} looks; a file that is read and closed is not seen`),
  };
}

/** The process and all that it started: they share its process group. */
function groupOf(pid: number): number[] {
  return allPids().filter((other) => other === pid || readStat(other)?.group === pid);
}

/** Addresses of TCP and UDP sockets among these open files, but for connections on the app's own address (proc(5)). */
function internetSockets(files: ReadonlySet<string>, own: HostPort | undefined): string[] {
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", remote = "", , , , , , , inode = ""] = line.trim().split(/\s+/);
        const ports = [local, remote].map((end) => Number.parseInt(end.split(":")[1] ?? "", 16));
        const isOwn = table.startsWith("tcp") && own !== undefined && ports.includes(own.port);
        if (!files.has(`socket:[${inode}]`) || isOwn) return [];
        return [`${table} ${local} → ${remote}`];
      }),
  );
}
