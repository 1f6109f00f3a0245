import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { test as base } from "vitest";

import { ensureStandIns } from "../../../scripts/tools/docker/stand-ins/ensure-stand-ins.ts";
import { imageNames } from "../../../scripts/tools/docker/stand-ins/images.ts";
import { versions } from "../../../scripts/tools/versions.ts";
import { tempDir } from "../../unit/runtime/temp-dir.ts";
import { failing, linesOf, pathWith } from "../../unit/tools/docker/fake-programs.ts";

const { signal } = new AbortController();
const names = Object.values(imageNames);

interface Engine {
  /** Makes the stand-ins; returns name and label of each image that was loaded. */
  readonly ensure: () => Promise<(readonly [string, string])[]>;
  /** What `docker image inspect` prints of the images that are there: `NAME|LABEL`. */
  readonly held: (...lines: readonly string[]) => Promise<void>;
  readonly useDocker: (script: string) => Promise<void>;
}

/** A docker that keeps the descriptions of what it is given to load. */
const dockerScript = (dir: string): string => `
case "$1 $2" in
'image inspect') cat '${dir}/held' 2>/dev/null; exit 1 ;;
'image load') tar -xf - --wildcards '*.json' --to-stdout >> '${dir}/loaded' && echo >> '${dir}/loaded' ;;
esac`;

const test = base.extend<{ engine: Engine }>({
  engine: async ({ onTestFinished }, use) => {
    const dir = await tempDir(onTestFinished);
    const PATH = [await pathWith(dir, { docker: dockerScript(dir) }), "/usr/bin", "/bin"].join(delimiter);
    const npm = join(dir, "tools", `npm-${versions.npm.version}`, "bin");
    await mkdir(npm, { recursive: true });
    for (const file of ["npm-cli.js", "npx-cli.js"]) await writeFile(join(npm, file), "", { mode: 0o755 });
    const program = "/usr/bin/env";
    const tools = { spireServer: program, spireAgent: program, envoy: program, node: program };
    const options = { cacheDir: dir, tools, offline: true, env: { PATH }, report: () => {}, signal };
    await use({
      ensure: async () => {
        const before = await linesOf(join(dir, "loaded"));
        await ensureStandIns(options);
        const loaded = (await linesOf(join(dir, "loaded"))).slice(before.length);
        return loaded.map((line) => [
          /"RepoTags":\["([^"]+)"/.exec(line)?.[1] ?? line,
          /"stand-in":"([0-9a-f]+)"/.exec(line)?.[1] ?? line,
        ]);
      },
      held: async (...lines) => writeFile(join(dir, "held"), `${lines.join("\n")}\n`),
      useDocker: async (script) => void (await pathWith(dir, { docker: script })),
    });
  },
});

const namesIn = (loaded: readonly (readonly [string, string])[]): string[] => loaded.map(([name]) => name);

test("an engine without the images gets all four, once", async ({ engine, expect }) => {
  const loaded = await engine.ensure();
  expect(namesIn(loaded)).toEqual(names);
  await engine.held(...loaded.map(([name, label]) => `${name}|${label}`));
  await expect(engine.ensure()).resolves.toEqual([]);
});

test("an official image is never replaced by a stand-in", async ({ engine, expect }) => {
  await engine.held(`${imageNames.envoy}|`, `${imageNames.node} node:24|`);
  expect(namesIn(await engine.ensure())).toEqual([imageNames.spireServer, imageNames.spireAgent]);
});

test("a stand-in that was made of something else is replaced", async ({ engine, expect }) => {
  await engine.held(...names.map((name) => `${name}|0123456789abcdef`));
  expect(namesIn(await engine.ensure())).toEqual(names);
});

test("an engine that does not take an image is reported with its words", async ({ engine, expect }) => {
  await engine.useDocker(`[ "$2" = load ] || exit 1\ncat > /dev/null\n${failing("unexpected EOF")}`);
  await expect(engine.ensure()).rejects.toMatchObject({ code: "MESH_TOOL_FETCH", details: ["unexpected EOF"] });
  const full = "Error processing tar file(exit status 1): write /a: no space left on device";
  await engine.useDocker(`[ "$2" = load ] || exit 1\n${failing(full)}`);
  await expect(engine.ensure()).rejects.toMatchObject({ code: "MESH_DISK_FULL", details: [full] });
});
