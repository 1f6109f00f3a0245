// How the sidecars of a mesh are asked: on this machine by their admin socket and the file that their log goes to; in containers by
// the controller, which alone has the admin socket, and by the engine.

import { open } from "node:fs/promises";

import type { Ask } from "../../../scripts/control/client.ts";
import { fetchStats, parseStats } from "../../../scripts/observe/envoy-admin.ts";
import { type ComposeProject, compose } from "../../../scripts/runtime/compose-project.ts";
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
  readonly ask: Ask;
}

/** In containers: where its log ends is a moment, in milliseconds. */
export function sourceInContainer({ process, adminSocket, controller, project, ask }: InContainer): SidecarSource {
  return {
    stats: async (filter) => {
      const path = `/stats?filter=${encodeURIComponent(filter)}`;
      const { status, body } = await ask(controller, { socket: adminSocket, path, deadlineMs: 2000 });
      if (status !== 200) throw new Error(`the admin interface of ${process} answered ${status}`);
      return parseStats(body);
    },
    log: {
      end: async () => Date.now(),
      from: async (moment) => {
        const since = new Date(moment).toISOString();
        return (await compose(project, ["logs", "--no-color", "--no-log-prefix", "--since", since, process])).stdout;
      },
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
