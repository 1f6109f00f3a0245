// Two real SPIRE Servers, real files between them, real polling over https_spiffe.

import { stat, writeFile } from "node:fs/promises";

import { describe, test } from "vitest";

import { bundleDigest, toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { trustFacts } from "../../../scripts/trust/facts.ts";
import { publishBundle, readBundleFile } from "../../../scripts/trust/introduction.ts";
import { changesOf, isSettled, reconcile, type ReconcileReport } from "../../../scripts/trust/reconcile.ts";
import {
  activateX509Authority,
  prepareX509Authority,
  revokeX509Authority,
  taintX509Authority,
} from "../../../scripts/trust/rotate.ts";
import { until } from "../../../scripts/wait.ts";
import { entryPlan, startTwo, type TestPlan, type TestServer, type TwoServers } from "./trust-servers.ts";

function pass(server: TestServer, plan: TestPlan): Promise<ReconcileReport> {
  return reconcile(plan, server.api, { readBundle: readBundleFile });
}

/** Both have introduced themselves and federate; each has one entry that federates with the other. */
async function federate({
  broker,
  stockmarket,
}: TwoServers): Promise<{ brokerPlan: TestPlan; stockmarketPlan: TestPlan }> {
  await Promise.all([broker, stockmarket].map(({ api, bundleFile }) => publishBundle(api, bundleFile)));
  const brokerPlan = broker.plan(
    [entryPlan(broker, "broker", { federatesWith: ["stockmarket.example"] })],
    [stockmarket],
  );
  const stockmarketPlan = stockmarket.plan(
    [entryPlan(stockmarket, "quotes", { federatesWith: ["broker.example"] })],
    [broker],
  );
  await Promise.all([pass(broker, brokerPlan), pass(stockmarket, stockmarketPlan)]);
  return { brokerPlan, stockmarketPlan };
}

async function heldDigest(server: TestServer, trustDomain: string): Promise<string | undefined> {
  const held = await server.api.federatedBundle(trustDomain);
  return held === undefined ? undefined : bundleDigest(held);
}

describe("reconciling", () => {
  test("two servers federate from their introductions, and a second pass changes nothing", async ({ expect }) => {
    await using servers = await startTwo();
    const { broker, stockmarket } = servers;
    const { brokerPlan, stockmarketPlan } = await federate(servers);
    const again = await Promise.all([pass(broker, brokerPlan), pass(stockmarket, stockmarketPlan)]);
    expect(again.map(changesOf)).toEqual([[], []]);
    expect(again.map(isSettled)).toEqual([true, true]);

    const [ofBroker, ofStockmarket] = await Promise.all([trustFacts(broker.api), trustFacts(stockmarket.api)]);
    expect(ofBroker.partners).toMatchObject([
      { trustDomain: "stockmarket.example", bundle: { digest: ofStockmarket.bundle.digest } },
    ]);
    expect(ofStockmarket.partners).toMatchObject([
      {
        trustDomain: "broker.example",
        relationship: {
          bundleEndpointUrl: broker.bundleEndpointUrl,
          profile: { type: "https_spiffe", endpointSpiffeId: "spiffe://broker.example/spire/server" },
        },
        bundle: { digest: ofBroker.bundle.digest },
      },
    ]);
    expect(ofBroker.entries).toMatchObject([{ id: "mesh.broker", federatesWith: ["stockmarket.example"] }]);
    expect((await stat(broker.bundleFile)).mode & 0o777).toBe(0o644);
  });

  test("a partner that has not introduced itself yet is pending, then federated with", async ({ expect }) => {
    await using servers = await startTwo();
    const { broker, stockmarket } = servers;
    const plan = broker.plan([entryPlan(broker, "broker", { federatesWith: ["stockmarket.example"] })], [stockmarket]);
    const early = await pass(broker, plan);
    expect(early.created).toHaveLength(1);
    expect(early.pending).toEqual([
      `federation with stockmarket.example waits for its introduction, ${stockmarket.bundleFile}`,
      "entry of broker does not federate with stockmarket.example yet: no bundle of it is held",
    ]);
    await writeFile(stockmarket.bundleFile, '{"keys":[]}');
    expect((await pass(broker, plan)).failed).toEqual([
      `federation with stockmarket.example: ${stockmarket.bundleFile} is not a bundle document of stockmarket.example: it has no X.509 authority`,
    ]);
    await publishBundle(stockmarket.api, stockmarket.bundleFile);
    const later = await pass(broker, plan);
    expect(isSettled(later)).toBe(true);
    expect((await broker.api.entries()).map(({ federatesWith }) => federatesWith)).toEqual([["stockmarket.example"]]);
  });

  test("what somebody edited by hand is put right", async ({ expect }) => {
    await using servers = await startTwo();
    const { broker } = servers;
    const { brokerPlan } = await federate(servers);
    const [planned] = await broker.api.entries();
    if (planned === undefined) throw new Error("the entry is missing");
    const stray = { ...planned, id: "", spiffeId: "spiffe://broker.example/stray", selectors: ["unix:uid:0"] };
    const elsewhere = { ...stray, id: "ops", parentId: "spiffe://broker.example/spire/agent/x509pop/other" };
    const outcomes = await Promise.all([
      broker.api.updateEntries([{ ...planned, selectors: ["unix:uid:0"], admin: true, federatesWith: [] }]),
      broker.api.createEntries([stray, elsewhere]),
      broker.api.updateRelationships([
        {
          trustDomain: "stockmarket.example",
          bundleEndpointUrl: "https://127.0.0.1:1",
          profile: { type: "https_web" },
        },
      ]),
    ]);
    expect(outcomes.flat()).toEqual([{ ok: true }, { ok: true }, { ok: true }, { ok: true }]);

    const report = await pass(broker, brokerPlan);
    expect(report.failed).toEqual([]);
    expect(report.updated).toEqual([
      expect.stringMatching(
        /^federation with stockmarket\.example updated: bundle endpoint https:\/\/127\.0\.0\.1:1 → .*; profile https_web → https_spiffe/,
      ),
      expect.stringMatching(
        /^entry mesh\.broker, .* updated: selectors unix:uid:0 → .*; federates with none → stockmarket\.example; admin true → false$/,
      ),
    ]);
    expect(report.deleted).toEqual([expect.stringContaining("spiffe://broker.example/stray for unix:uid:0 deleted")]);
    expect((await broker.api.entries()).toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([planned, elsewhere]);
    expect(changesOf(await pass(broker, brokerPlan))).toEqual([]);
  });

  test("an introduction never replaces a bundle that is held", async ({ expect }) => {
    await using servers = await startTwo();
    const { broker, stockmarket } = servers;
    const { brokerPlan } = await federate(servers);
    const before = await heldDigest(broker, "stockmarket.example");
    const forged = { ...(await broker.api.bundle()), trustDomain: "stockmarket.example" };
    await writeFile(stockmarket.bundleFile, toBundleDocument(forged));
    await broker.api.deleteRelationships(["stockmarket.example"]);
    const report = await pass(broker, brokerPlan);
    expect(report.created).toEqual(["federation with stockmarket.example created"]);
    expect(await heldDigest(broker, "stockmarket.example")).toBe(before);
  });

  test("a relationship that goes takes the partner's bundle with it", async ({ expect }) => {
    await using servers = await startTwo();
    const { broker } = servers;
    const { brokerPlan } = await federate(servers);
    // Not the mesh's, so its entry stays; but nobody goes on trusting stockmarket.example.
    const [planned] = await broker.api.entries();
    if (planned === undefined) throw new Error("the entry is missing");
    const parentId = "spiffe://broker.example/spire/agent/x509pop/other";
    expect(await broker.api.createEntries([{ ...planned, id: "ops", parentId }])).toEqual([{ ok: true }]);
    const alone = { ...brokerPlan, relationships: [], entries: [entryPlan(broker, "broker")] };
    const report = await pass(broker, alone);
    expect(report.failed).toEqual([]);
    expect(report.deleted).toEqual([
      "federation with stockmarket.example deleted",
      "bundle of stockmarket.example deleted: its workloads are refused from now on",
    ]);
    expect(await trustFacts(broker.api)).toMatchObject({
      partners: [],
      entries: [{ federatesWith: [] }, { federatesWith: [] }],
    });
    expect(changesOf(await pass(broker, alone))).toEqual([]);
  });

  test("more entries than one page are listed, created and deleted", { timeout: 60_000 }, async ({ expect }) => {
    await using servers = await startTwo();
    const { broker } = servers;
    const many = Array.from({ length: 1001 }, (_, index) => entryPlan(broker, `w${index}`));
    expect((await pass(broker, broker.plan(many, []))).created).toHaveLength(1001);
    expect(changesOf(await pass(broker, broker.plan(many, [])))).toEqual([]);
    expect((await pass(broker, broker.plan(many.slice(0, 1), []))).deleted).toHaveLength(1000);
    expect((await broker.api.entries()).map(({ id }) => id)).toEqual(["mesh.w0"]);
  });
});

describe("rotating the CA", () => {
  // Polled every 15 s: see refresh_hint in trust-servers.ts.
  test("the partner's copy follows by polling alone", { timeout: 60_000 }, async ({ expect }) => {
    await using servers = await startTwo();
    const { broker, stockmarket } = servers;
    await federate(servers);
    const first = await heldDigest(broker, "stockmarket.example");
    const prepared = await prepareX509Authority(stockmarket.api);
    expect(await prepareX509Authority(stockmarket.api)).toEqual(prepared);
    const published = bundleDigest(await stockmarket.api.bundle());
    expect(published).not.toBe(first);
    await until(
      "broker.example holds the bundle with the prepared CA",
      async () => (await heldDigest(broker, "stockmarket.example")) === published,
      { deadlineMs: 30_000, intervalMs: 100 },
    );
    expect(broker.log()).toContain("Bundle refreshed");

    expect((await activateX509Authority(stockmarket.api)).id).toBe(prepared.id);
    const { old } = await stockmarket.api.x509Authorities();
    if (old === undefined) throw new Error("the first CA is not old");
    // The endpoint now proves itself with the new CA: fetching once more shows that the trust carries on.
    await broker.api.refreshBundle("stockmarket.example");

    await taintX509Authority(stockmarket.api);
    const tainted = await trustFacts(stockmarket.api);
    expect(tainted.bundle.x509Authorities.map((authority) => authority.tainted)).toEqual([true, false]);
    expect((await revokeX509Authority(stockmarket.api)).id).toBe(old.id);
    await broker.api.refreshBundle("stockmarket.example");
    const last = bundleDigest(await stockmarket.api.bundle());
    expect([first, published]).not.toContain(last);
    expect(await heldDigest(broker, "stockmarket.example")).toBe(last);
  });

  test("a step out of turn is refused in words", async ({ expect }) => {
    await using servers = await startTwo();
    const { api } = servers.broker;
    const server = "spire-server of broker.example";
    await expect(activateX509Authority(api)).rejects.toMatchObject({
      code: "MESH_SPIRE_API",
      message: `${server} has no prepared X.509 CA to activate`,
    });
    await expect(taintX509Authority(api)).rejects.toMatchObject({ message: `${server} has no old X.509 CA to taint` });
    await expect(revokeX509Authority(api)).rejects.toMatchObject({
      message: `${server} has no old X.509 CA to revoke`,
    });
    await prepareX509Authority(api);
    await activateX509Authority(api);
    await expect(revokeX509Authority(api)).rejects.toMatchObject({
      code: "MESH_SPIRE_API",
      message: expect.stringMatching(/did not do LocalAuthority\.RevokeX509Authority: INTERNAL: .*untainted/),
    });
  });
});
