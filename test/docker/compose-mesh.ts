// A mesh in containers as a user without our command line has it: rendered files in a folder of their own, and plain
// `docker compose`. It lies beside any other mesh, and disposing of it leaves nothing.

import { randomInt } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { test as base } from "vitest";

import { labels } from "../../scripts/runtime/compose-project.ts";
import { chooseSubnet } from "../../scripts/runtime/subnet.ts";
import { type Outcome, run } from "../e2e/command.ts";
import { commandEnvironment, makePlace, type Place, type PlaceOptions } from "../e2e/place.ts";
import { type Inspected, inspectAll } from "./inspected.ts";

export interface ComposeMesh extends AsyncDisposable {
  readonly place: Place;
  /** Folder of docker-compose.yml. */
  readonly dir: string;
  /** Of the Compose project. */
  readonly name: string;
  /** First two numbers of every address of the mesh. */
  readonly subnet: string;
  readonly env: NodeJS.ProcessEnv;
  readonly url: Place["url"];
  /** Runs `docker compose …` in the folder to its end. */
  readonly compose: (...args: readonly string[]) => Promise<Outcome>;
  /** The same, and fails when the exit status is not 0. */
  readonly must: (...args: readonly string[]) => Promise<Outcome>;
  /** Runs `docker …` to its end; fails when the exit status is not 0. */
  readonly docker: (...args: readonly string[]) => Promise<string>;
  readonly tryDocker: (...args: readonly string[]) => Promise<Outcome>;
  /** `docker inspect` of every container, one-shots too, by service. */
  readonly containers: () => Promise<ReadonlyMap<string, Inspected>>;
  /** Names of everything of the project that the engine has: containers, volumes, networks. */
  readonly traces: () => Promise<string[]>;
  /** Of one service. */
  readonly container: (service: string) => Promise<Inspected>;
}

/** Rendered, and nothing is up. */
export async function makeComposeMesh(options: PlaceOptions = {}): Promise<ComposeMesh> {
  await using untilMade = new AsyncDisposableStack();
  const place = await makePlace(options);
  const { dir } = place;
  untilMade.defer(() => rm(dir, { recursive: true }));
  const env = commandEnvironment(options.env);
  await place.must("render");
  const runCompose = (...args: readonly string[]): Promise<Outcome> =>
    run("docker", ["compose", "--progress", "plain", ...args], { cwd: dir, env, deadlineMs: 180_000 });
  const must = async (...args: readonly string[]): Promise<Outcome> => {
    const outcome = await runCompose(...args);
    if (outcome.status === 0) return outcome;
    throw new Error(`docker compose ${args.join(" ")} ended with ${outcome.status}:\n${outcome.stderr}`);
  };
  const tryDocker = (...args: readonly string[]): Promise<Outcome> =>
    run("docker", args, { cwd: dir, env, deadlineMs: 120_000 });
  const docker = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await tryDocker(...args);
    if (status === 0) return stdout.trim();
    throw new Error(`docker ${args.join(" ")} ended with ${status}:\n${stderr}`);
  };
  const name = /^name: (\S+)$/m.exec(await readFile(join(dir, "docker-compose.yml"), "utf8"))?.[1] ?? "";
  // Not the default, where the mesh of a checkout may come up at any time.
  const project = {
    name,
    dir,
    command: ["docker", "compose"],
    swappedFile: join(place.stateDir, "swapped.yml"),
    env,
  } as const;
  const subnet = await chooseSubnet(project, `10.${randomInt(20, 99)}`);
  await writeFile(join(dir, ".env"), `MESH_SUBNET=${subnet}\n`);
  const containers = async (): Promise<ReadonlyMap<string, Inspected>> => inspectAll(name, env);
  const traces = async (): Promise<string[]> => {
    const filter = `label=${labels.project}=${name}`;
    const named = ["--filter", filter, "--format"];
    const printed = [
      await docker("container", "ls", "--all", ...named, "{{.Names}}"),
      await docker("volume", "ls", ...named, "{{.Name}}"),
      await docker("network", "ls", ...named, "{{.Name}}"),
    ];
    return printed
      .join("\n")
      .split("\n")
      .filter((line) => line !== "");
  };
  untilMade.move();
  return {
    place,
    dir,
    name,
    subnet,
    env,
    url: place.url,
    compose: runCompose,
    must,
    docker,
    tryDocker,
    containers,
    traces,
    container: async (service) => {
      const found = (await containers()).get(service);
      if (found === undefined) throw new Error(`${service} has no container`);
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await must("down", "--volumes", "--remove-orphans", "--timeout", "10");
      await tryDocker("image", "rm", "--force", `${name}:app`, `${name}:mesh`);
      await rm(dir, { recursive: true });
    },
  };
}

/** A `test` with `newMesh()`: rendered, not up; removed after the test. */
export const composePlaceTest = base.extend("newMesh", async ({ task }, { onCleanup }) => {
  const meshes: ComposeMesh[] = [];
  onCleanup(async () => {
    const failed = task.result?.state === "fail";
    for (const mesh of meshes) {
      if (failed) process.stderr.write(await evidenceOf(mesh));
      await mesh[Symbol.asyncDispose]();
    }
  });
  return async (options: PlaceOptions = {}): Promise<ComposeMesh> => {
    const mesh = await makeComposeMesh(options);
    meshes.push(mesh);
    return mesh;
  };
});

/** A `test` with `mesh`: brought up once for all tests of the file, by `docker compose up --detach --wait`. */
export function composeMeshTest(options: PlaceOptions = {}) {
  return base
    .extend("options", { scope: "file" }, options)
    .extend("mesh", { scope: "file" }, async ({ options: chosen }, { onCleanup }) => {
      await using untilUp = new AsyncDisposableStack();
      const mesh = untilUp.use(await makeComposeMesh(chosen));
      await mesh.must("up", "--detach", "--wait", "--wait-timeout", "120");
      const made = untilUp.move();
      onCleanup(() => made.disposeAsync());
      return mesh;
    })
    .extend("evidence", { auto: true }, async ({ mesh, onTestFailed }) => {
      onTestFailed(async () => void process.stderr.write(await evidenceOf(mesh)));
      return undefined;
    });
}

/** What somebody needs to see of a failed test. */
async function evidenceOf({ compose }: ComposeMesh): Promise<string> {
  const said = [await compose("ps", "--all"), await compose("logs", "--no-color", "--tail", "12")];
  return said.map(({ stdout, stderr }) => `${stderr}${stdout}`).join("\n");
}
