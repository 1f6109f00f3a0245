// How the sidecars of a mesh are asked: on this machine by their admin socket and the file that their log goes to; in containers by
// the controller, which alone has the admin socket, and by the engine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";

import { fetchStats, parseStats } from "../../../scripts/observe/envoy-admin.ts";
import type { UnixResponse } from "../../../scripts/observe/unix-http.ts";
import type { ComposeProject } from "../../../scripts/runtime/compose-project.ts";
import { containersOf } from "../../../scripts/runtime/containers.ts";
import { answering, openOtherSide } from "./other-side.ts";
import type { SidecarSource } from "./sidecar-witness.ts";

/** Natively: where its log ends is counted in bytes. */
export function sourceHere({
  adminSocket,
  logFile,
}: {
  readonly adminSocket: string;
  readonly logFile: string;
}): SidecarSource {
  return {
    stats: (filter) => fetchStats(adminSocket, filter),
    log: { end: () => sizeOf(logFile), from: (start) => textFrom(logFile, start) },
  };
}

interface InContainer {
  readonly process: string;
  readonly adminSocket: string;
  /** Of its trust domain. */
  readonly controller: string;
  readonly project: ComposeProject;
}

/** In containers: where its log ends is counted in bytes since this was called. */
export async function sourceInContainer({
  process: name,
  adminSocket,
  controller,
  project,
}: InContainer): Promise<SidecarSource & AsyncDisposable> {
  const containers = await containersOf(project);
  const idOf = (service: string): string => {
    const found = containers.find((container) => container.service === service);
    if (found === undefined) throw new Error(`${service} has no container`);
    return found.id;
  };
  const ask = 'await import("/mesh/scripts/observe/unix-http.ts")';
  const words = ["exec", "--interactive", idOf(controller), "node", "--input-type=module", "--eval", answering(ask)];
  const side = openOtherSide(words, project.env);
  const log = followed(idOf(name), project.env);
  return {
    stats: async (filter) => {
      const path = `/stats?filter=${encodeURIComponent(filter)}`;
      const request = { socket: adminSocket, path, deadlineMs: 2000 };
      const { status, body } = await side.call<UnixResponse>("requestUnix", request);
      if (status !== 200) throw new Error(`the admin interface of ${name} answered ${status}`);
      return parseStats(body);
    },
    log,
    [Symbol.asyncDispose]: async () => {
      await log[Symbol.asyncDispose]();
      await side[Symbol.asyncDispose]();
    },
  };
}

/** What a container writes from now on. */
function followed(id: string, env: NodeJS.ProcessEnv): SidecarSource["log"] & AsyncDisposable {
  const child = spawn("docker", ["logs", "--follow", "--tail", "0", id], { env, stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => (text += data));
  const ended = once(child, "close");
  return {
    end: async () => text.length,
    from: async (start) => text.slice(start),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
}

async function sizeOf(file: string): Promise<number> {
  await using handle = await open(file, "r");
  return (await handle.stat()).size;
}

async function textFrom(file: string, start: number): Promise<string> {
  await using handle = await open(file, "r");
  const { size } = await handle.stat();
  // Rotated meanwhile: what is there is all new.
  const from = size < start ? 0 : start;
  const buffer = Buffer.alloc(size - from);
  await handle.read(buffer, 0, buffer.length, from);
  return buffer.toString("utf8");
}
