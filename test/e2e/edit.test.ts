// Edits of mesh.yaml while requests flow: `up` applies the difference, says it, and touches nothing else.

import { type Description, shipped } from "./description.ts";
import { freePort } from "./free-port.ts";
import { beginLoad } from "./load.ts";
import { meshTest } from "./mesh.ts";
import type { Place } from "./place.ts";
import { witness } from "./witness.ts";

const test = meshTest({ withTestApps: true });

/** A second workload of broker.example that may use `rules` of the quotes service. */
function addDesk(description: Description, { port, rules }: { port: number; rules: string[] }): void {
  description.workloads["desk"] = {
    spiffeId: "spiffe://broker.example/desk",
    app: { node: "apps/tests/witness.ts" },
    publish: `127.0.0.1:${port}`,
    calls: { quotes: rules },
  };
}

/**
 * Pids of all that carries requests or keeps identities. A controller does neither, and starts anew when the workloads
 * it may probe for have changed.
 */
async function pids(mesh: Place): Promise<Record<string, number | undefined>> {
  const processes = (await mesh.ps()).filter(({ name }) => !name.startsWith("controller-"));
  return Object.fromEntries(processes.map(({ name, pid }) => [name, pid]));
}

const restartedButController = /^restarted (?!controller-)/m;

test("a caller comes, is given a rule, loses it and goes, and no request of another fails", async ({
  mesh,
  expect,
}) => {
  const before = await pids(mesh);
  const port = await freePort();
  const desk = witness(port);
  await using load = beginLoad(mesh.url("/api/quotes"));
  await load.more(50);

  await mesh.edit((description) => addDesk(description, { port, rules: ["GET /quotes"] }));
  const added = await mesh.must("up");
  expect(added.stdout).toMatch(/^started desk$/m);
  expect(added.stdout).toMatch(/^started desk-sidecar$/m);
  expect(added.stdout).toMatch(/^quotes-sidecar took up .*listeners\.yaml/m);
  expect(added.stdout).toMatch(/spiffe:\/\/broker\.example\/desk/);
  expect(added.stdout).not.toMatch(restartedButController);
  const withDesk = await pids(mesh);
  expect(withDesk).toMatchObject(before);
  expect(await desk.call("quotes", "/quotes")).toMatchObject({ status: 200 });
  expect(await desk.call("quotes", "/health")).toMatchObject({ status: 403 });

  await mesh.edit((description) => addDesk(description, { port, rules: ["GET /quotes", "GET /health"] }));
  expect((await mesh.must("up")).stdout).toBe("quotes-sidecar took up policy.yaml\n");
  expect(await desk.call("quotes", "/health")).toMatchObject({ status: 200 });

  await mesh.edit((description) => addDesk(description, { port, rules: ["GET /quotes"] }));
  expect((await mesh.must("up")).stdout).toBe("quotes-sidecar took up policy.yaml\n");
  expect(await desk.call("quotes", "/health")).toMatchObject({ status: 403 });
  expect(await desk.call("quotes", "/quotes")).toMatchObject({ status: 200 });
  expect(await pids(mesh)).toEqual(withDesk);

  await mesh.edit((description) => void delete description.workloads["desk"]);
  const removed = await mesh.must("up");
  expect(removed.stdout).toMatch(/^stopped desk$/m);
  expect(removed.stdout).toMatch(/^stopped desk-sidecar$/m);
  expect(removed.stdout).toMatch(/^quotes-sidecar took up .*policy\.yaml/m);
  expect(removed.stdout).not.toMatch(restartedButController);
  expect(await pids(mesh)).toEqual(before);
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");

  await load.more(50);
  const { requests, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(500);
});

test("an edit with mistakes changes nothing, and the mesh serves on", async ({ mesh, expect }) => {
  const before = await pids(mesh);
  await using load = beginLoad(mesh.url("/api/quotes"));
  await mesh.edit((description) => addDesk(description, { port: mesh.port, rules: ["FETCH quotes"] }));
  const refused = await mesh.mesh("up");
  expect(refused.status).toBe(65);
  expect(refused.stderr).toContain("error[MESH_FILE_INVALID]");
  expect(await pids(mesh)).toEqual(before);
  await mesh.edit((description) => void delete description.workloads["desk"]);
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
  expect((await load.end()).failures).toEqual([]);
});

test("an edit whose new app cannot start says so with its last words, and the mesh serves on", async ({
  mesh,
  expect,
}) => {
  const before = await pids(mesh);
  await using load = beginLoad(mesh.url("/api/quotes"));
  const { broker } = shipped(mesh.port).workloads;
  if (broker === undefined) throw new Error("the shipped mesh.yaml has no broker");
  // The app needs an upstream named quotes, and this one is given none.
  await mesh.edit(({ workloads }) => {
    workloads["lonely"] = { spiffeId: "spiffe://broker.example/lonely", app: broker.app };
  });
  const failed = await mesh.mesh("up");
  expect(failed.status).toBe(2);
  expect(failed.stderr).toContain("error[MESH_PROCESS_FAILED]");
  expect(failed.stderr).toContain("UPSTREAM_QUOTES is not set");
  expect(await pids(mesh)).toMatchObject(before);

  await mesh.edit(({ workloads }) => void delete workloads["lonely"]);
  await mesh.must("up");
  expect(await pids(mesh)).toEqual(before);
  expect((await load.end()).failures).toEqual([]);
});
