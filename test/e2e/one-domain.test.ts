// Both ends in one trust domain: nothing federates, and a quote crosses all the same.

import { meshTest } from "./mesh.ts";
import { quotesFlow } from "./place.ts";

const test = meshTest({
  description: (port) => ({
    trustDomains: { "stockmarket.example": {} },
    workloads: {
      broker: {
        spiffeId: "spiffe://stockmarket.example/webapp",
        app: { node: "apps/broker/server.ts" },
        publish: `127.0.0.1:${port}`,
        calls: { quotes: ["GET /quotes"] },
      },
      quotes: { spiffeId: "spiffe://stockmarket.example/quotes-service", app: { node: "apps/quotes/server.ts" } },
    },
  }),
});

test("quotes cross inside one trust domain, checked with its own bundle alone", async ({ mesh, expect }) => {
  const { hop } = await quotesFlow(mesh, 5000);
  expect(hop).toEqual({
    caller: "spiffe://stockmarket.example/webapp",
    callee: "spiffe://stockmarket.example/quotes-service",
  });
  const { ready, bundles, trustDomains } = await mesh.status();
  expect({ ready, bundles }).toEqual({ ready: true, bundles: [] });
  const sidecars = trustDomains.flatMap(({ facts }) => [...(facts?.sidecars ?? [])]);
  expect(sidecars.map(({ process, bundles: held }) => [process, held.map(({ context }) => context)])).toEqual([
    ["broker-sidecar", ["ROOTCA"]],
    ["quotes-sidecar", ["ROOTCA"]],
  ]);
});
