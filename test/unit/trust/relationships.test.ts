import { test } from "vitest";

import { diffRelationships, unplanned, type RelationshipDiff } from "../../../scripts/trust/relationships.ts";
import type { FederationRelationship } from "../../../scripts/trust/server-types.ts";
import type { FederatedTrustDomain } from "../../../scripts/plan/plan.ts";
import { partner, relationship } from "./fixtures.ts";

function diff(
  planned: readonly FederatedTrustDomain[],
  existing: readonly FederationRelationship[],
  held: string[] = [],
): RelationshipDiff {
  return diffRelationships({ planned, existing, held: new Set(held) });
}

const nothing: RelationshipDiff = { create: [], update: [], dissociate: [] };
const introduction = "/introductions/a.example.json";

test("creates a relationship with the partner's introduction", ({ expect }) => {
  const { create, ...rest } = diff([partner("a.example")], []);
  expect(create).toMatchObject([{ relationship: relationship("a.example"), introduction, changes: [] }]);
  expect(rest).toMatchObject({ update: [], dissociate: [] });
});

test("creates a relationship without an introduction when a bundle is held already", ({ expect }) => {
  expect(diff([partner("a.example")], [], ["a.example"]).create).toMatchObject([
    { relationship: relationship("a.example"), introduction: undefined },
  ]);
});

test("leaves a relationship alone that is as planned and holds a bundle", ({ expect }) => {
  expect(diff([partner("a.example")], [relationship("a.example")], ["a.example"])).toEqual(nothing);
});

test("needs the introduction again when the bundle is gone", ({ expect }) => {
  expect(diff([partner("a.example")], [relationship("a.example")]).update).toMatchObject([
    { relationship: relationship("a.example"), introduction, changes: [] },
  ]);
});

test("puts URL and profile right and keeps the bundle that is held", ({ expect }) => {
  const edited = relationship("a.example", {
    bundleEndpointUrl: "https://evil.example",
    profile: { type: "https_web" },
  });
  expect(diff([partner("a.example")], [edited], ["a.example"]).update).toMatchObject([
    {
      relationship: relationship("a.example"),
      introduction: undefined,
      changes: [
        "bundle endpoint https://evil.example → https://a.example:8443",
        "profile https_web → https_spiffe of spiffe://a.example/spire/server",
      ],
    },
  ]);
  const otherId = relationship("a.example", {
    profile: { type: "https_spiffe", endpointSpiffeId: "spiffe://a.example/x" },
  });
  expect(diff([partner("a.example")], [otherId], ["a.example"]).update).toMatchObject([
    { changes: ["profile https_spiffe of spiffe://a.example/x → https_spiffe of spiffe://a.example/spire/server"] },
  ]);
});

test("takes back a relationship that is not planned, whatever is known of its bundle", ({ expect }) => {
  const existing = [relationship("a.example"), relationship("b.example")];
  expect(unplanned([partner("b.example"), partner("c.example")], existing)).toEqual(["a.example"]);
});

test("takes back a bundle that no planned relationship stands for", ({ expect }) => {
  expect(diff([partner("a.example")], [relationship("a.example")], ["a.example", "b.example"])).toEqual({
    ...nothing,
    dissociate: ["b.example"],
  });
});
