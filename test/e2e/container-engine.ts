// The Docker engine as a test meets it: the Compose project of a place, `docker …`, and work done where the engine's
// processes, volumes and networks are, which need not be where the test runs.

import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { meshId } from "../../scripts/runtime/state.ts";
import { imageNames } from "../../scripts/tools/docker/stand-ins/images.ts";
import { run } from "./command.ts";
import type { Place } from "./place.ts";

export const kinds = ["container", "volume", "network"] as const;

/** Its name is that of the place's state folder, which need not be there any more. */
export function projectOf({ dir }: Pick<Place, "dir">): string {
  return `mesh-${meshId(join(realpathSync(dir), ".mesh"))}`;
}

/** As Compose names the only container of a service. */
export function containerOf(place: Place, process: string): string {
  return `${projectOf(place)}-${process}-1`;
}

/** Runs `docker …`; both streams when `merged`. */
export async function docker(args: readonly string[], options: { input?: string; merged?: boolean } = {}) {
  const { input, merged = false } = options;
  const { env } = process;
  const { status, stdout, stderr } = await run("docker", args, {
    cwd: "/",
    env,
    ...(input === undefined ? {} : { input }),
  });
  if (status !== 0) throw new Error(`docker ${args.slice(0, 2).join(" ")} ended with ${status}: ${stderr}`);
  return merged ? `${stdout}${stderr}` : stdout;
}

/** Non-empty lines of what `docker …` prints. */
export async function dockerLines(...args: readonly string[]): Promise<string[]> {
  return (await docker(args)).split("\n").filter((line) => line !== "");
}

/** What the engine has of a place's project: `container NAME`, `volume NAME`, `network NAME`. */
export async function enginesOwn(place: Pick<Place, "dir">): Promise<string[]> {
  const label = `label=com.docker.compose.project=${projectOf(place)}`;
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const [all, name] = kind === "container" ? [["--all"], "{{.Names}}"] : [[], "{{.Name}}"];
      const names = await dockerLines(kind, "ls", ...all, "--filter", label, "--format", name);
      return names.map((one) => `${kind} ${one}`);
    }),
  );
  return found.flat();
}

/** Images outlive `./mesh down`, for the next `up`; a place's go with it. */
export async function removeImages(place: Pick<Place, "dir">): Promise<void> {
  const images = await dockerLines("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", projectOf(place));
  if (images.length > 0) await docker(["image", "rm", ...images]);
}

/**
 * Runs an exported function of a module of this folder in a container of its own, as root without a network unless
 * `flags` say otherwise, and returns what it does.
 */
export async function callInContainer<T>(
  { module, name, flags }: { readonly module: string; readonly name: string; readonly flags: readonly string[] },
  argument: unknown,
): Promise<T> {
  const source = await readFile(join(import.meta.dirname, module), "utf8");
  const given = 'JSON.parse((await import("node:fs")).readFileSync(0, "utf8"))';
  const program = `${source}\nprocess.stdout.write(JSON.stringify(await ${name}(${given})));`;
  const node = [imageNames.node, "node", "--input-type=module-typescript", "--eval", program];
  const words = ["run", "--rm", "--interactive", "--pull", "never", "--user", "0:0", ...flags, ...node];
  const value: T = JSON.parse(await docker(words, { input: JSON.stringify(argument) }));
  return value;
}

/** Sees the processes of the machine that the engine runs on, and what is theirs. */
export const besideTheEngine = ["--network", "none", "--pid", "host", "--cap-add", "SYS_PTRACE"] as const;
