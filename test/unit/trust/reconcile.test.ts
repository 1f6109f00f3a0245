import { test } from "vitest";

import { MeshError } from "../../../scripts/errors.ts";
import type { Bundle } from "../../../scripts/spiffe/bundle.ts";
import { changesOf, isSettled, reconcile } from "../../../scripts/trust/reconcile.ts";
import { authority, bundleOf, domainPlan, entry, partner, planned, relationship, serverInMemory } from "./fixtures.ts";

const broker = planned("broker", { federatesWith: ["a.example"] });
const plan = domainPlan([broker], [partner("a.example")]);

const introduced = async (_file: string, trustDomain: string): Promise<Bundle> => bundleOf(trustDomain);
const silent = async (): Promise<undefined> => undefined;
const unread = async (): Promise<never> => {
  throw new Error("no introduction should have been read");
};

test("creates the relationship with its bundle first, then the entry that federates", async ({ expect }) => {
  const server = serverInMemory();
  const report = await reconcile(plan, server.api, { readBundle: introduced });
  expect(server.calls).toEqual(["createRelationships", "createEntries"]);
  expect(report).toEqual({
    trustDomain: "broker.example",
    created: [
      "federation with a.example created with its introduction",
      "entry mesh.broker, spiffe://broker.example/broker for unix:uid:70005 created",
    ],
    updated: [],
    deleted: [],
    pending: [],
    failed: [],
    refused: [],
    leftAlone: [],
  });
  expect(server.entries.get("mesh.broker")).toEqual(entry("mesh.broker", { federatesWith: ["a.example"] }));
  expect(server.bundles.get("a.example")).toEqual(bundleOf("a.example"));
});

test("a second pass writes nothing and reads no introduction", async ({ expect }) => {
  const server = serverInMemory();
  await reconcile(plan, server.api, { readBundle: introduced });
  server.calls.length = 0;
  const report = await reconcile(plan, server.api, { readBundle: unread });
  expect(server.calls).toEqual([]);
  expect(changesOf(report)).toEqual([]);
  expect(isSettled(report)).toBe(true);
});

test("a partner that has not introduced itself is pending and costs no workload its entry", async ({ expect }) => {
  const server = serverInMemory();
  const first = await reconcile(plan, server.api, { readBundle: silent });
  expect(server.calls).toEqual(["createEntries"]);
  expect(first.pending).toEqual([
    "federation with a.example waits for its introduction, /introductions/a.example.json",
    "entry of broker does not federate with a.example yet: no bundle of it is held",
  ]);
  expect(isSettled(first)).toBe(false);
  const second = await reconcile(plan, server.api, { readBundle: introduced });
  expect(changesOf(second)).toEqual([
    "federation with a.example created with its introduction",
    "entry mesh.broker, spiffe://broker.example/broker for unix:uid:70005 updated: federates with none → a.example",
  ]);
  expect(isSettled(second)).toBe(true);
});

test("an introduction never replaces a bundle that is held", async ({ expect }) => {
  const polled = bundleOf("a.example", 7);
  const server = serverInMemory({ bundles: [polled] });
  const report = await reconcile(plan, server.api, { readBundle: unread });
  expect(report.created).toContain("federation with a.example created");
  expect(server.bundles.get("a.example")).toEqual(polled);
});

test("a bundle that went missing is bootstrapped again", async ({ expect }) => {
  const server = serverInMemory({ relationships: [relationship("a.example")] });
  const report = await reconcile(plan, server.api, { readBundle: introduced });
  expect(report.updated).toEqual(["federation with a.example updated: bundle none → its introduction"]);
  expect(server.entries.get("mesh.broker")?.federatesWith).toEqual(["a.example"]);
});

test("an address is put right even while the introduction is missing", async ({ expect }) => {
  const server = serverInMemory({ relationships: [relationship("a.example", { bundleEndpointUrl: "https://x" })] });
  const report = await reconcile(plan, server.api, { readBundle: silent });
  expect(report.updated).toEqual([
    "federation with a.example updated: bundle endpoint https://x → https://a.example:8443",
  ]);
  expect(server.relationships.get("a.example")).toEqual(relationship("a.example"));
});

test("one unreadable introduction is reported and stops no other partner", async ({ expect }) => {
  const server = serverInMemory();
  const two = domainPlan([broker], [partner("a.example"), partner("b.example")]);
  const report = await reconcile(two, server.api, {
    readBundle: async (file, trustDomain) => {
      if (trustDomain === "b.example") return bundleOf(trustDomain);
      throw new MeshError("MESH_INPUT_INVALID", `${file} is not a bundle document`, { details: ["key 1: bad"] });
    },
  });
  expect(report.failed).toEqual([
    "federation with a.example: /introductions/a.example.json is not a bundle document: key 1: bad",
  ]);
  expect([...server.relationships.keys()]).toEqual(["b.example"]);
  expect(isSettled(report)).toBe(false);
});

test("an error that is not about the introduction is not swallowed", async ({ expect }) => {
  const pass = reconcile(plan, serverInMemory().api, { readBundle: unread });
  await expect(pass).rejects.toThrow("no introduction should have been read");
});

test("a relationship that goes takes its bundle with it, after the relationship", async ({ expect }) => {
  const server = serverInMemory({
    entries: [entry("mesh.broker", { federatesWith: ["a.example"] })],
    relationships: [relationship("a.example")],
    bundles: [bundleOf("a.example")],
  });
  const report = await reconcile(domainPlan([planned("broker")], []), server.api, { readBundle: unread });
  expect(server.calls.indexOf("deleteRelationships")).toBeLessThan(server.calls.indexOf("dissociateBundles"));
  // Agents fetch by revision, which only an update raises: docs/decisions/0010-leaving-a-partner.md.
  expect(server.calls).toContain("updateEntries");
  expect(server.calls.indexOf("updateEntries")).toBeLessThan(server.calls.indexOf("dissociateBundles"));
  expect(report.deleted).toEqual([
    "federation with a.example deleted",
    "bundle of a.example deleted: its workloads are refused from now on",
  ]);
  expect(server.bundles.size).toBe(0);
  expect(server.entries.get("mesh.broker")?.federatesWith).toEqual([]);
});

test("entries are deleted last", async ({ expect }) => {
  const server = serverInMemory({ entries: [entry("mesh.old")] });
  const report = await reconcile(domainPlan([planned("broker")], []), server.api, { readBundle: unread });
  expect(server.calls).toEqual(["createEntries", "deleteEntries"]);
  expect(report.deleted).toEqual(["entry mesh.old, spiffe://broker.example/old for unix:uid:70005 deleted"]);
});

test("what the server refuses is told item by item, and the rest is done", async ({ expect }) => {
  const server = serverInMemory();
  const api = {
    ...server.api,
    createEntries: async () => [
      { ok: false, code: "INVALID_ARGUMENT", message: "selector list is empty" } as const,
      { ok: true } as const,
      { ok: false, code: "INTERNAL", message: "database is locked" } as const,
    ],
  };
  const three = domainPlan([planned("x"), planned("y"), planned("z")], []);
  const report = await reconcile(three, api, { readBundle: unread });
  expect(report.failed).toEqual([
    "entry for spiffe://broker.example/x was not created: INVALID_ARGUMENT: selector list is empty",
    "entry for spiffe://broker.example/z was not created: INTERNAL: database is locked",
  ]);
  expect(report.created).toEqual(["entry mesh.y, spiffe://broker.example/y for unix:uid:70005 created"]);
});

test("two passes at once agree", async ({ expect }) => {
  const server = serverInMemory();
  const passes = [1, 2].map(() => reconcile(plan, server.api, { readBundle: introduced }));
  const reports = await Promise.all(passes);
  expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
  expect([...server.entries.keys()]).toEqual(["mesh.broker"]);
});

test("tells of others' entries that concern the mesh, every time, without a change", async ({ expect }) => {
  const admin = entry("ops", { admin: true });
  const server = serverInMemory({ entries: [admin] });
  const report = await reconcile(domainPlan([], []), server.api, { readBundle: unread });
  expect(report.leftAlone).toEqual([
    "entry ops, spiffe://broker.example/ops for unix:uid:70005 under spiffe://broker.example/spire/agent/x509pop/spire-agent-broker is not this mesh's",
  ]);
  expect(changesOf(report)).toEqual([]);
  expect(server.entries.get("ops")).toEqual(admin);
});

test("what is no longer planned goes although the bundles cannot be listed", async ({ expect }) => {
  const server = serverInMemory({
    entries: [entry("mesh.broker", { federatesWith: ["a.example"] })],
    relationships: [relationship("a.example")],
    bundles: [bundleOf("a.example")],
  });
  const api = {
    ...server.api,
    heldTrustDomains: async (): Promise<never> => {
      throw new MeshError("MESH_SPIRE_API", "DEADLINE_EXCEEDED");
    },
  };
  await expect(reconcile(domainPlan([], []), api, { readBundle: unread })).rejects.toThrow("DEADLINE_EXCEEDED");
  expect(server.relationships.size).toBe(0);
  expect(server.bundles.size).toBe(0);
});

const two = domainPlan(
  [planned("broker", { federatesWith: ["a.example", "b.example"] })],
  [partner("a.example"), partner("b.example")],
);
const large: Bundle = { ...bundleOf("a.example"), x509Authorities: Array.from({ length: 101 }, () => authority) };

test("a partner whose bundle is refused is left out until it is forgotten, and stops nobody else", async ({
  expect,
}) => {
  const server = serverInMemory();
  await reconcile(two, server.api, { readBundle: introduced });
  server.bundles.set("a.example", large);

  const refused = new Map<string, string>();
  const kept: string[] = [];
  const options = { readBundle: introduced, refused, onHeld: ({ trustDomain }: Bundle) => void kept.push(trustDomain) };
  const report = await reconcile(two, server.api, options);
  expect(report.refused).toEqual(["the bundle of a.example is refused: 101 X.509 authorities, at most 100 are taken"]);
  expect(report.failed).toEqual([]);
  expect(isSettled(report)).toBe(true);
  expect([...server.relationships.keys()]).toEqual(["b.example"]);
  expect([...server.bundles.keys()]).toEqual(["b.example"]);
  expect(server.entries.get("mesh.broker")?.federatesWith).toEqual(["b.example"]);
  expect(kept).toEqual(["b.example"]);

  const again = await reconcile(two, server.api, options);
  expect(changesOf(again)).toEqual([]);
  expect(again.refused).toEqual(report.refused);

  refused.clear();
  await reconcile(two, server.api, options);
  expect(server.entries.get("mesh.broker")?.federatesWith).toEqual(["a.example", "b.example"]);
});

test("a bundle that is refused goes also when its relationship was deleted already", async ({ expect }) => {
  const server = serverInMemory({ bundles: [large] });
  const report = await reconcile(plan, server.api, { readBundle: unread });
  expect(report.refused).toHaveLength(1);
  expect(server.bundles.size).toBe(0);
  expect(server.relationships.size).toBe(0);
});
