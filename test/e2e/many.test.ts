// More than one hop: a workload that calls several, in its own and in a foreign trust domain, one of them an app that can
// only do TCP.

import { until } from "../../scripts/wait.ts";
import type { Description } from "./description.ts";
import { freePort } from "./free-port.ts";
import { meshTest } from "./mesh.ts";
import { type Received, witness } from "./witness.ts";

const ledgerPort = await freePort();
const tcpPort = await freePort();

/** desk calls ledger of its own trust domain, rates and quotes of the other one; quotes is called by ledger too. */
function manyCalls(port: number): Description {
  const app = { node: "apps/tests/witness.ts" };
  return {
    trustDomains: {
      "broker.example": { federatesWith: ["stockmarket.example"] },
      "stockmarket.example": { federatesWith: ["broker.example"] },
    },
    workloads: {
      desk: {
        spiffeId: "spiffe://broker.example/desk",
        app,
        publish: `127.0.0.1:${port}`,
        calls: { ledger: ["GET /entries"], rates: { allow: ["GET /rates"], timeout: "2s" }, quotes: ["GET /quotes"] },
      },
      ledger: {
        spiffeId: "spiffe://broker.example/ledger",
        app,
        publish: `127.0.0.1:${ledgerPort}`,
        calls: { quotes: ["GET /quotes"] },
      },
      quotes: { spiffeId: "spiffe://stockmarket.example/quotes-service", app: { node: "apps/quotes/server.ts" } },
      rates: {
        spiffeId: "spiffe://stockmarket.example/rates",
        app: { node: "apps/tests/built/server.mjs", listen: `127.0.0.1:${tcpPort}` },
      },
    },
  };
}

const test = meshTest({ description: manyCalls, withTestApps: true });

test("each of three callees answers, and one may not use another's rules", async ({ mesh, expect }) => {
  const desk = witness(mesh.port);
  expect(await desk.call("ledger", "/entries")).toMatchObject({ status: 200 });
  expect(await desk.call("rates", "/rates")).toMatchObject({ status: 200 });
  expect(await desk.call("quotes", "/quotes")).toMatchObject({ status: 200 });
  expect(await desk.call("ledger", "/rates")).toMatchObject({ status: 403 });
  expect(await desk.call("rates", "/quotes")).toMatchObject({ status: 403 });
});

test("a callee with two callers knows them apart", async ({ mesh, expect }) => {
  expect(await witness(ledgerPort).call("quotes", "/quotes")).toMatchObject({ status: 200 });
  await witness(mesh.port).call("ledger", "/entries");
  const [last]: readonly Received[] = (await witness(ledgerPort).received()).slice(-1);
  expect(last?.caller).toContain("URI=spiffe://broker.example/desk");
});

test("an app that can only do TCP is told by its sidecar who calls", async ({ mesh, expect }) => {
  const { body = "{}" } = await witness(mesh.port).call("rates", "/rates");
  expect(JSON.parse(body)).toMatchObject({
    path: "/rates",
    caller: expect.stringContaining("URI=spiffe://broker.example/desk"),
  });
});

test("every edge is shown to work, and peers of the own trust domain are checked with its own bundle", async ({
  mesh,
  expect,
}) => {
  const { ready, trustDomains } = await mesh.status();
  expect(ready).toBe(true);
  const edges = trustDomains.flatMap(({ facts }) => [...(facts?.edges ?? [])]);
  expect(edges.map(({ caller, callee, probe }) => [caller.workload, callee.workload, probe.kind])).toEqual([
    ["desk", "ledger", "answered"],
    ["desk", "rates", "answered"],
    ["desk", "quotes", "answered"],
    ["ledger", "quotes", "answered"],
  ]);
  const sidecars = trustDomains.flatMap(({ facts }) => [...(facts?.sidecars ?? [])]);
  const ledger = sidecars.find(({ workload }) => workload === "ledger")?.bundles;
  const own = ledger?.find(({ context }) => context === "ROOTCA");
  expect(own?.trustDomains.map(({ trustDomain }) => trustDomain)).toEqual(["broker.example"]);
});

test("a restart of one process leaves the others alone", async ({ mesh, expect }) => {
  const before = await mesh.ps();
  expect((await mesh.must("restart", "rates")).stdout).toBe("restarted rates\n");
  const after = await mesh.ps();
  const changed = after.filter(({ name, pid }) => before.find((one) => one.name === name)?.pid !== pid);
  expect(changed.map(({ name, state, restarts }) => ({ name, state, restarts }))).toEqual([
    { name: "rates", state: "running", restarts: 0 },
  ]);
  expect(await witness(mesh.port).call("rates", "/rates")).toMatchObject({ status: 200 });
});

test("logs --follow shows what is written from now on, until it is interrupted", async ({ mesh, expect }) => {
  const following = mesh.start("logs", "-f", "-n", "0", "quotes", "spire-server-broker");
  // It is known to follow once something arrives; each restart is written about.
  const written = async (): Promise<boolean> => {
    await mesh.must("restart", "quotes");
    return following.said().includes("listening");
  };
  await until("what quotes writes is shown", written, { deadlineMs: 30_000 });
  following.kill("SIGINT");
  const { status, stdout, stderr } = await following.outcome;
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^quotes +\S.*listening/m);
});

test.for(["restart", "logs"])(
  "%s of a process that the mesh does not have is a usage error",
  async (verb, { mesh, expect }) => {
    const { status, stderr } = await mesh.mesh(verb, "nobody");
    expect(stderr).toMatch(/^error\[MESH_NO_SUCH_PROCESS\]: .*nobody/);
    expect(stderr).toContain("rates-sidecar");
    expect(status).toBe(64);
  },
);
