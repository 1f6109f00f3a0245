// Where `./mesh verify --runtime docker` has its private instance. The tests bring it up; whatever becomes of them, an interruption
// included, it is this command that ends it: containers outlive whoever started them.

import { readlinkSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ComposeProject, docker } from "../runtime/compose-project.ts";
import { exists } from "../runtime/docker.ts";
import { openStateFolder } from "../runtime/state.ts";
import { until } from "../wait.ts";
import type { Context } from "./context.ts";
import { openDocker, openProject } from "./open-docker.ts";

export interface PlaceInContainers extends AsyncDisposable {
  readonly stateDir: string;
}

export async function placeInContainers(context: Context): Promise<PlaceInContainers> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-verify-"));
  await chmod(dir, 0o755);
  const stateDir = join(dir, "state");
  return {
    stateDir,
    [Symbol.asyncDispose]: async () => {
      // Of an interrupted command the signal is aborted, and this goes on.
      await end({ ...context, stateDir, runtime: "docker", signal: new AbortController().signal });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function end(context: Context): Promise<void> {
  const folder = await openStateFolder(context.stateDir, { create: true });
  const project = await openProject(context, folder);
  // A Compose whose caller was interrupted would go on making what is ended here.
  const isLeft = async (): Promise<boolean> => !(await interruptThoseIn(project.dir));
  await until("nobody works in the private instance's folder", isLeft, { deadlineMs: 60_000, intervalMs: 50 });
  const isGone = async (): Promise<boolean> => {
    const { runtime } = await openDocker(context, folder);
    await runtime.destroy();
    return !(await exists(project));
  };
  await until("nothing of the private instance is left", isGone, { deadlineMs: 60_000 });
  await removeImages(project);
}

/** Whether any process had that folder as its own (proc(5)); elsewhere than on Linux nobody is seen. */
async function interruptThoseIn(dir: string): Promise<boolean> {
  const names = process.platform === "linux" ? await readdir("/proc") : [];
  const found = names.filter((name) => /^\d+$/.test(name) && workingDirOf(name) === dir);
  for (const pid of found) process.kill(Number(pid), "SIGINT");
  return found.length > 0;
}

function workingDirOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // It has ended, or is another user's.
  }
}

async function removeImages(project: ComposeProject): Promise<void> {
  const names = ["app", "mesh"].map((tag) => `${project.name}:${tag}`);
  const printed = await docker(project, ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", project.name]);
  const there = names.filter((name) => printed.split("\n").includes(name));
  if (there.length > 0) await docker(project, ["image", "rm", "--force", ...there]);
}
