// ./mesh swap to images: a static binary on its Unix socket, and one that does TCP only, beside a mesh that plain
// `docker compose` brought up; and what plain `docker compose` makes of a swap.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { imageNames } from "../../scripts/tools/docker/stand-ins/images.ts";
import { checkoutDir } from "../e2e/checkout.ts";
import { beginOpenLoad } from "../e2e/open-load.ts";
import { quotesFlow, quotesOf } from "../e2e/place.ts";
import { actingAs, inside, only } from "./attacker.ts";
import { buildImage, type BuiltImage } from "./built-image.ts";
import { composePlaceTest as test, type ComposeMesh } from "./compose-mesh.ts";

const up = ["up", "--detach", "--wait", "--wait-timeout", "60"] as const;

async function goImage(): Promise<BuiltImage> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-go-"));
  try {
    const binary = join(dir, "quotes");
    const env = { ...process.env, CGO_ENABLED: "0" };
    const cwd = join(checkoutDir, "examples/quotes-go");
    await promisify(execFile)("go", ["build", "-buildvcs=false", "-o", binary, "."], { cwd, env });
    const dockerfile = 'FROM scratch\nCOPY --chmod=755 quotes /quotes\nENTRYPOINT ["/quotes"]\n';
    return await buildImage({ dockerfile, files: { quotes: await readFile(binary) } });
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** The app of test/e2e/apps that keeps the contract, on a port of these addresses, whatever its environment says. */
async function tcpImage(host: string): Promise<BuiltImage> {
  const file = join(checkoutDir, "test/e2e/apps/candidates/keeps-the-contract.mjs");
  const program = (await readFile(file, "utf8"))
    .replace(/^const socket = .*\n.*$/m, "")
    .replace(/^server\.listen\(.*$/m, `server.listen(8000, ${JSON.stringify(host)});`);
  const dockerfile = `FROM ${imageNames.node}\nCOPY app.mjs /app.mjs\nENTRYPOINT ["node", "/app.mjs"]\n`;
  return buildImage({ dockerfile, files: { "app.mjs": program } });
}

/** A folder below the mesh's clone whose app.yaml says so. */
async function appFolder(mesh: ComposeMesh, name: string, app: string): Promise<string> {
  const dir = join(mesh.dir, "clone/apps/tests", name);
  await mkdir(dir);
  await writeFile(join(dir, "app.yaml"), app);
  return dir;
}

const swap = (mesh: ComposeMesh, ...words: readonly string[]) =>
  mesh.place.mesh("--runtime", "docker", "swap", "quotes", ...words);

test("a static binary and an app on TCP alone take the place of ours and give it back, and no request fails", async ({
  newMesh,
  expect,
}) => {
  await using go = await goImage();
  await using tcp = await tcpImage("127.0.0.1");
  const mesh = await newMesh({ withTestApps: true });
  await mesh.must(...up);
  await quotesFlow(mesh, 5000);
  const shelf = await appFolder(mesh, "shelf", `image: ${tcp.name}\nlisten: 127.0.0.1:8000\n`);
  const load = beginOpenLoad(mesh.url(""), { path: "/api/quotes", perSecond: 100 });
  const toGo = await swap(mesh, "--image", go.name);
  expect(toGo.stdout, toGo.stderr).toContain(`quotes is served by ${go.name}, no longer by apps/quotes/server.ts`);
  const goApp = await mesh.container("quotes-slot-2");
  expect(goApp.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], NetworkMode: "none" });
  const toTcp = await swap(mesh, "--app", shelf);
  expect(toTcp.stdout, toTcp.stderr).toContain(`quotes is served by ${tcp.name}, no longer by ${go.name}`);
  expect((await quotesOf(mesh))?.quotes.map(({ symbol }) => symbol)).toEqual(["OTHR"]);
  const tcpApp = await mesh.container("quotes");
  expect(tcpApp.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"] });
  expect(await inside(tcpApp, [{ interfaces: true }])).toEqual(["lo eth0"]);
  const host = (await mesh.container("quotes-sidecar")).NetworkSettings.Networks[`${mesh.name}_federation`]?.IPAddress;
  const past = actingAs(await mesh.container("broker-sidecar"), [{ connect: { host: host ?? "", port: 8000 } }]);
  expect(await only(past)).toBe("ECONNREFUSED");
  const back = await swap(mesh, "--back");
  expect(back.stdout, back.stderr).toContain("quotes is served by apps/quotes/server.ts");
  const { sent, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(300);
});

test("an app that can be reached past the sidecar never serves", async ({ newMesh, expect }) => {
  await using image = await tcpImage("::");
  const mesh = await newMesh({ withTestApps: true });
  await mesh.must(...up);
  const wide = await appFolder(mesh, "wide", `image: ${image.name}\nlisten: 127.0.0.1:8000\n`);
  const { status, stderr } = await swap(mesh, "--app", wide);
  expect(stderr).toContain("quotes-slot-2 listens on more than loopback, where others pass its sidecar by");
  expect(status).toBe(2);
  expect([...(await mesh.containers()).keys()].filter((name) => /^quotes(?!-sidecar)/.test(name))).toEqual(["quotes"]);
  await quotesFlow(mesh, 5000);
});

test("plain docker compose leaves a swapped app alone, and ends it as an orphan", async ({ newMesh, expect }) => {
  const mesh = await newMesh({ withTestApps: true });
  await mesh.must(...up);
  const candidate = join(mesh.dir, "clone/apps/tests/candidates/keeps-the-contract.mjs");
  const swapped = await swap(mesh, "--node", candidate);
  expect(swapped.status, swapped.stderr).toBe(0);
  const serves = async () => (await quotesOf(mesh))?.quotes.map(({ symbol }) => symbol);
  await mesh.must(...up);
  expect(await serves()).toEqual(["OTHR"]);
  await mesh.must("down");
  expect(await mesh.traces()).toContain(`${mesh.name}-quotes-slot-2-1`);
  await mesh.must("down", "--volumes", "--remove-orphans");
  expect(await mesh.traces()).toEqual([]);
  const told = await mesh.place.mesh("--runtime", "docker", "up");
  expect(told.stderr).toContain("quotes is served by apps/tests/candidates/keeps-the-contract.mjs");
  expect(told.status, told.stderr).toBe(0);
  expect(await serves()).toEqual(["OTHR"]);
  await mesh.place.must("--runtime", "docker", "down");
  expect(await mesh.traces()).toEqual([]);
});
