// Holds the stand-ins to official-images.ts, by the engine's own word.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { type ExpectStatic, beforeAll, test } from "vitest";

import { type Tools, ensureTools } from "../../scripts/tools/ensure-tools.ts";
import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { versions } from "../../scripts/tools/versions.ts";
import { npmFolder, officialImages } from "./official-images.ts";
import { standInLabel } from "../../scripts/tools/docker/stand-ins/ensure-stand-ins.ts";
import { type ImageMember, listMembers } from "./image-members.ts";

const exec = promisify(execFile);
let tools: Tools;
let isStandIn: ReadonlyMap<string, boolean>;

async function docker(...args: readonly string[]): Promise<string> {
  return (await exec("docker", args, { maxBuffer: 64 * 1024 ** 2 })).stdout.trim();
}

/** As the mesh runs containers. */
const confined = ["--read-only", "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];

async function configOf(image: string): Promise<Readonly<Record<string, unknown>>> {
  const config: unknown = JSON.parse(await docker("image", "inspect", "--format", "{{json .Config}}", image));
  return typeof config === "object" && config !== null ? { ...config } : {};
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String).toSorted() : [];
}

beforeAll(async () => {
  const { signal } = new AbortController();
  tools = await ensureTools({ cacheDir: toolCacheDir(), offline: true, report: () => {}, signal });
  const labels = Object.keys(officialImages).map(async (image) => {
    const { Labels } = await configOf(image);
    return [image, typeof Labels === "object" && Labels !== null && standInLabel in Labels] as const;
  });
  isStandIn = new Map(await Promise.all(labels));
});

/** A stand-in has just what is expected. An official image, on a machine that has one, has that among other things. */
function expectedOf(expect: ExpectStatic, image: string, all: readonly string[]): unknown {
  return isStandIn.get(image) === true ? all.toSorted() : expect.arrayContaining([...all]);
}

test.for(Object.entries(officialImages))(
  "%s is configured like the official image",
  async ([image, { config }], { expect }) => {
    const { Env: variables, ...found } = await configOf(image);
    const { Env: wanted, ...rest } = config;
    // Engines leave out what is empty, or do not.
    expect({ User: "", ...found }).toMatchObject(rest);
    expect(found["Volumes"] ?? {}).toEqual({});
    expect(found["Healthcheck"]).toBeUndefined();
    expect(textsIn(variables)).toEqual(expectedOf(expect, image, wanted));
  },
);

test.for(Object.entries(officialImages))(
  "%s has the official folders, and no other program",
  async ([image, official], { expect }) => {
    const all = await listMembers(image);
    const members = all.filter(({ path }) => !path.startsWith(npmFolder));
    const listed = (kind: ImageMember["kind"]): string[] =>
      members.flatMap((member) => (member.kind === kind ? [show(member)] : [])).toSorted();
    const folders = listed("folder").filter((folder) => !holdsLibraries.test(folder));
    const files = [...official.programs, ...official.texts, ...(await librariesOf(official.programs))];
    expect(listed("file")).toEqual(expectedOf(expect, image, files));
    expect(listed("link")).toEqual(expectedOf(expect, image, official.links));
    expect(folders).toEqual(expectedOf(expect, image, official.folders));
  },
);

/** SPIRE's official programs are static, and need none. */
const holdsLibraries = / (?:usr\/)?lib(?:64)?(?:\/[^/]+-linux-gnu)?$/u;

function show({ kind, mode, owner, path, target }: ImageMember): string {
  if (kind === "folder") return `${mode} ${owner} ${path}`;
  return kind === "link" ? `${path} -> ${target}` : path;
}

/** Those that ldd(1) names for the programs on this machine, where a stand-in has them. */
async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const inCache = new Map([
    ["opt/spire/bin/spire-server", tools.spireServer],
    ["opt/spire/bin/spire-agent", tools.spireAgent],
    ["usr/local/bin/envoy", tools.envoy],
    ["usr/local/bin/node", tools.node],
  ]);
  const isSpire = programs.some((program) => program.startsWith("opt/"));
  const libraries = new Set<string>();
  for (const program of programs.filter((one) => !one.endsWith(".sh"))) {
    const { stdout } = await exec("sh", ["-c", 'ldd "$0" || :', inCache.get(program) ?? `/${program}`]);
    for (const [library] of stdout.matchAll(/(?<=\s)\/\S+/gu)) libraries.add(`${isSpire ? "" : "usr"}${library}`);
  }
  return [...libraries].map((library) => library.replace(/^\//u, ""));
}

test("SPIRE's images run their programs, and hold no shell", async ({ expect }) => {
  for (const role of ["server", "agent"]) {
    const image = `ghcr.io/spiffe/spire-${role}:${versions.spire.version}`;
    const program = ["--entrypoint", `/opt/spire/bin/spire-${role}`, image, "--version"];
    const { stdout, stderr } = await exec("docker", ["run", "--rm", ...confined, ...program]);
    expect(`${stdout}${stderr}`.trim()).toBe(versions.spire.version);
    await expect(docker("run", "--rm", "--entrypoint", "/bin/sh", image, "-c", ":")).rejects.toThrow("no such file");
  }
});

test("Envoy's entrypoint runs Envoy as the user it is given, and as envoy instead of root", async ({ expect }) => {
  const image = `envoyproxy/envoy:v${versions.envoy.version}`;
  const version = `/${versions.envoy.version}/`;
  await expect(docker("run", "--rm", ...confined, "--user", "4711:4712", image, "--version")).resolves.toContain(
    version,
  );
  await expect(docker("run", "--rm", image, "envoy", "--version")).resolves.toContain(version);
  await expect(docker("run", "--rm", image, "id", "-u")).resolves.toBe("101");
  await expect(docker("run", "--rm", "--env", "ENVOY_UID=0", image, "id", "-u")).resolves.toBe("0");
  await expect(docker("run", "--rm", ...confined, "--user", "4711:4712", image, "id", "-u")).resolves.toBe("4711");
});

test("Node's image runs scripts and programs, and its npm", async ({ expect }) => {
  const image = `node:${versions.node.version}-bookworm-slim`;
  const run = async (...words: readonly string[]): Promise<string> =>
    docker("run", "--rm", ...confined, "--user", "node", image, ...words);
  await expect(run("-p", "process.version")).resolves.toBe(process.version);
  await expect(run("node", "-p", "process.getuid()")).resolves.toBe("1000");
  await expect(run("sh", "-c", "id -un && ls -d /home/node")).resolves.toBe("node\n/home/node");
  await expect(run("npm", "--version")).resolves.toBe(versions.npm.version);
});
