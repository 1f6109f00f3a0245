import { test } from "vitest";

import type { StaticEntry } from "../../../scripts/plan/plan.ts";
import { plannedChanges, type Trust } from "../../../scripts/trust/planned-changes.ts";
import { agentSpiffeId, planned } from "./fixtures.ts";

function trust(entries: readonly StaticEntry[], partners: readonly string[] = []): Trust {
  const relationships = partners.map((trustDomain) => ({
    name: trustDomain,
    trustDomain,
    bundleEndpointURL: `https://${trustDomain}:8443`,
    bundleEndpointProfile: {
      type: "https_spiffe" as const,
      endpointSPIFFEID: `spiffe://${trustDomain}/spire/server`,
    },
    bootstrapBundleFile: "/bundle.json",
  }));
  return { entries, relationships, agent: { spiffeId: agentSpiffeId } };
}

test("a plan that says the same changes nothing", ({ expect }) => {
  const one = trust([planned("broker", { federatesWith: ["a.example"] })], ["a.example"]);
  expect(plannedChanges(one, structuredClone(one))).toEqual([]);
});

test("says what a server will have been told, in the words of whoever tells it", ({ expect }) => {
  const before = trust([planned("broker"), planned("desk")], ["a.example"]);
  const after = trust([planned("broker", { federatesWith: ["b.example"] }), planned("ledger")], ["b.example"]);
  expect(plannedChanges(before, after)).toEqual([
    "federation with b.example created",
    expect.stringMatching(/^entry mesh\.ledger, spiffe:\/\/broker\.example\/ledger for unix:uid:\d+ created$/),
    expect.stringMatching(/^entry mesh\.broker, .* updated: federates with none → b\.example$/),
    expect.stringMatching(/^entry mesh\.desk, .* deleted$/),
    "federation with a.example deleted",
  ]);
});
