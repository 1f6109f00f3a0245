// A mesh by plain `docker compose`: what `up --wait` proves, and that everything comes back after what can happen to
// containers.

import { randomInt } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { until } from "../../scripts/wait.ts";
import { shipped } from "../e2e/description.ts";
import { json, quotesFlow } from "../e2e/place.ts";
import { asRootOfTheHost } from "./attacker.ts";
import { composeMeshTest, composePlaceTest, type ComposeMesh } from "./compose-mesh.ts";
import { isLasting } from "./inspected.ts";

const up = ["up", "--detach", "--wait", "--wait-timeout", "60"] as const;

async function servicesOf(mesh: ComposeMesh): Promise<string[]> {
  return [...(await mesh.containers())].filter(isLasting).map(([service]) => service);
}

/** As a crash would. */
async function kill(mesh: ComposeMesh, service: string): Promise<void> {
  const { Id, State } = await mesh.container(service);
  await asRootOfTheHost([{ kill: State.Pid, by: "SIGKILL" }]);
  const hasEnded = async (): Promise<boolean> =>
    (await mesh.docker("inspect", "--format", "{{.State.Pid}}", Id)) !== String(State.Pid);
  await until(`${service} has ended`, hasEnded, { deadlineMs: 10_000, intervalMs: 50 });
}

async function bundleOf(mesh: ComposeMesh, name: string): Promise<string> {
  const server = `spire-server-${name}`;
  const words = ["bundle", "show", "-socketPath", `/run/mesh/${server}/api.sock`];
  return (await mesh.must("exec", "--no-TTY", server, "/opt/spire/bin/spire-server", ...words)).stdout;
}

const test = composeMeshTest();

test("the command line sees a mesh that plain docker compose brought up", async ({ mesh, expect }) => {
  await quotesFlow(mesh, 5000);
  for (const words of [["--runtime", "docker"], []]) {
    const { status, stdout, stderr } = await mesh.place.mesh(...words, "status");
    expect(status, `${stdout}${stderr}`).toBe(0);
    const { processes } = json(await mesh.place.mesh(...words, "ps", "--json"));
    expect(processes.map(({ name }: { name: string }) => name).toSorted()).toEqual((await servicesOf(mesh)).toSorted());
    for (const { state, restarts, pid } of processes)
      expect({ state, restarts, hasPid: pid > 0 }).toEqual({ state: "running", restarts: 0, hasPid: true });
  }
});

test("after the death of any container quotes flow again, and up finds everything in order", async ({
  mesh,
  expect,
}) => {
  for (const service of await servicesOf(mesh)) {
    await kill(mesh, service);
    // Without anybody's help.
    await quotesFlow(mesh, 30_000);
    expect((await mesh.compose(...up)).status, service).toBe(0);
  }
});

test("a container that was removed comes back with up, and nothing else is made anew", async ({ mesh, expect }) => {
  for (const service of await servicesOf(mesh)) {
    const before = await mesh.containers();
    await mesh.docker("rm", "--force", before.get(service)?.Id ?? "");
    await mesh.must(...up);
    await quotesFlow(mesh, 20_000);
    const others = [...(await mesh.containers())].filter(([name, { Id }]) => before.get(name)?.Id !== Id);
    expect(others.map(([name]) => name)).toEqual([service]);
  }
});

test("started again in any order, as an engine does after a reboot, quotes flow", async ({ mesh, expect }) => {
  const containers = [...(await mesh.containers())].filter(isLasting).map(([, { Id }]) => Id);
  await mesh.docker("stop", "--time", "5", ...containers);
  const shuffled = containers.map((id) => ({ id, at: randomInt(2 ** 30) })).toSorted((one, other) => one.at - other.at);
  for (const { id } of shuffled) await mesh.docker("start", id);
  await quotesFlow(mesh, 40_000);
  expect((await mesh.compose(...up)).status).toBe(0);
});

test("down and up go on with the same CAs; down --volumes leaves nothing", async ({ mesh, expect }) => {
  const bundles = async (): Promise<string[]> => [await bundleOf(mesh, "broker"), await bundleOf(mesh, "stockmarket")];
  const before = await bundles();
  expect(before[0]).toContain("BEGIN CERTIFICATE");
  await mesh.must("down");
  expect([...(await mesh.containers())]).toEqual([]);
  await mesh.must(...up);
  await quotesFlow(mesh, 5000);
  expect(await bundles()).toEqual(before);
  await mesh.must("down", "--volumes");
  expect(await mesh.traces()).toEqual([]);
  await mesh.must(...up);
  expect(await bundles()).not.toEqual(before);
});

composePlaceTest("up --wait fails by the name of a service that does not do its work", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const broken = join(mesh.dir, "docker-compose.override.yml");
  await writeFile(broken, 'services: { quotes: { command: "node /mesh/apps/absent/server.ts" } }\n');
  const { status, stderr } = await mesh.compose(...up);
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/quotes-1.*(?:unhealthy|exited)/);
});

composePlaceTest(
  "an app that does TCP only comes back with up, whichever of its containers ended",
  async ({ newMesh }) => {
    const mesh = await newMesh({
      description: (port) => {
        const description = shipped(port);
        const { quotes } = description.workloads;
        if (quotes !== undefined) quotes.app.listen = "127.0.0.1:8000";
        return description;
      },
    });
    await mesh.must(...up);
    await quotesFlow(mesh, 5000);
    for (const service of ["quotes-network", "quotes-sidecar", "quotes"]) {
      await kill(mesh, service);
      await mesh.must(...up);
      await quotesFlow(mesh, 15_000);
      await mesh.docker("rm", "--force", (await mesh.container(service)).Id);
      await mesh.must(...up);
      await quotesFlow(mesh, 15_000);
    }
  },
);
