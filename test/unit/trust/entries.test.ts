import { test } from "vitest";

import { diffEntries, entryId, type EntryDiff } from "../../../scripts/trust/entries.ts";
import type { StaticEntry } from "../../../scripts/plan/plan.ts";
import type { RegistrationEntry } from "../../../scripts/trust/server-types.ts";
import { agentSpiffeId, entry, planned } from "./fixtures.ts";

function diff(entries: readonly StaticEntry[], existing: readonly RegistrationEntry[], held: string[] = []): EntryDiff {
  return diffEntries({ planned: entries, existing, agentSpiffeId, held: new Set(held) });
}

const nothing: EntryDiff = { create: [], update: [], remove: [], leaveAlone: [], waiting: [] };
const elsewhere = "spiffe://broker.example/spire/agent/x509pop/other";

test("creates an entry under an ID of its own", ({ expect }) => {
  expect(diff([planned("broker")], [])).toEqual({ ...nothing, create: [entry("mesh.broker")] });
  expect(entryId("broker")).toBe("mesh.broker");
});

test("leaves an entry that is as planned alone, in whatever order its lists are", ({ expect }) => {
  const selectors = ["unix:uid:1", "unix:path:/envoy"];
  const entries = [planned("broker", { selectors, federatesWith: ["a.example", "b.example"] })];
  const existing = [
    entry("mesh.broker", { selectors: selectors.toReversed(), federatesWith: ["b.example", "a.example"] }),
  ];
  expect(diff(entries, existing, ["a.example", "b.example"])).toEqual(nothing);
});

test("puts every field right that somebody edited", ({ expect }) => {
  const edited = entry("mesh.broker", {
    spiffeId: "spiffe://broker.example/other",
    selectors: ["unix:uid:0", "unix:gid:0"],
    x509SvidTtlSeconds: 5,
    jwtSvidTtlSeconds: 5,
    admin: true,
    downstream: true,
    storeSvid: true,
    dnsNames: ["broker"],
    hint: "x",
    expiresAt: 9,
    federatesWith: ["a.example"],
  });
  expect(diff([planned("broker")], [edited], ["a.example"])).toEqual({
    ...nothing,
    update: [
      {
        entry: entry("mesh.broker"),
        changes: [
          "SPIFFE ID spiffe://broker.example/other → spiffe://broker.example/broker",
          "selectors unix:uid:0, unix:gid:0 → unix:uid:70005",
          "federates with a.example → none",
          "X.509-SVID TTL 5 s → 3600 s",
          "JWT-SVID TTL 5 s → 0 s",
          "admin true → false",
          "downstream true → false",
          "store SVID true → false",
          "DNS names broker → none",
          "hint x → none",
          "expires at 9 → 0",
        ],
      },
    ],
  });
});

test("takes back an entry that was moved under another parent", ({ expect }) => {
  const moved = entry("mesh.broker", { parentId: elsewhere });
  expect(diff([planned("broker")], [moved]).update).toEqual([
    { entry: entry("mesh.broker"), changes: [`parent ID ${elsewhere} → ${agentSpiffeId}`] },
  ]);
});

// SPIRE refuses to create an entry with the SPIFFE ID, parent and selectors of another one.
test("adopts an entry made by hand that SPIRE would call similar", ({ expect }) => {
  const byHand = entry("5f1c", { spiffeId: "spiffe://broker.example/broker", hint: "by hand" });
  expect(diff([planned("broker")], [byHand])).toEqual({
    ...nothing,
    update: [{ entry: { ...byHand, hint: "" }, changes: ["hint by hand → none"] }],
  });
});

test("a renamed workload keeps its entry", ({ expect }) => {
  const renamed = planned("web", { spiffeID: "spiffe://broker.example/broker" });
  expect(diff([renamed], [entry("mesh.broker")])).toEqual(nothing);
});

test("lets the server choose the ID when the own one is taken", ({ expect }) => {
  const renamed = planned("web", { spiffeID: "spiffe://broker.example/broker" });
  const fresh = planned("broker", { spiffeID: "spiffe://broker.example/new" });
  expect(diff([renamed, fresh], [entry("mesh.broker")])).toEqual({
    ...nothing,
    create: [entry("", { spiffeId: "spiffe://broker.example/new" })],
  });
});

test("deletes an unplanned entry under the mesh's agent, and an entry of its own anywhere", ({ expect }) => {
  const stray = entry("5f1c", { selectors: ["unix:uid:0"] });
  const old = entry("mesh.old", { parentId: elsewhere });
  expect(diff([], [stray, old])).toEqual({ ...nothing, remove: [stray, old] });
});

test("deletes all but one of entries that stand for the same workload", ({ expect }) => {
  const second = entry("5f1c", { spiffeId: "spiffe://broker.example/broker" });
  expect(diff([planned("broker")], [entry("mesh.broker"), second])).toEqual({ ...nothing, remove: [second] });
});

test("leaves others' entries alone and tells only of those that concern the mesh", ({ expect }) => {
  const unrelated = entry("a", { parentId: elsewhere });
  const sameIdentity = entry("b", { parentId: elsewhere, spiffeId: "spiffe://broker.example/broker" });
  const admin = entry("c", { admin: true });
  const downstream = entry("d", { downstream: true });
  expect(diff([planned("broker")], [unrelated, sameIdentity, admin, downstream, entry("mesh.broker")])).toEqual({
    ...nothing,
    leaveAlone: [sameIdentity, admin, downstream],
  });
});

test("leaves a trust domain out until its bundle is held", ({ expect }) => {
  const broker = planned("broker", { federatesWith: ["a.example", "b.example"] });
  expect(diff([broker], [], ["b.example"])).toEqual({
    ...nothing,
    create: [entry("mesh.broker", { federatesWith: ["b.example"] })],
    waiting: [{ name: "broker", trustDomain: "a.example" }],
  });
  expect(diff([broker], [entry("mesh.broker", { federatesWith: ["b.example"] })], ["a.example", "b.example"])).toEqual({
    ...nothing,
    update: [
      {
        entry: entry("mesh.broker", { federatesWith: ["a.example", "b.example"] }),
        changes: ["federates with b.example → a.example, b.example"],
      },
    ],
  });
});
