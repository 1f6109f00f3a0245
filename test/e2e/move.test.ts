// A workload that moves to another trust domain: `up` applies it, and requests cross again.

import { meshTest } from "./mesh.ts";
import { quotesFlow } from "./place.ts";

const test = meshTest();

test("a workload moves to its caller's trust domain and back", async ({ mesh, expect }) => {
  for (const spiffeId of ["spiffe://broker.example/quotes", "spiffe://stockmarket.example/quotes-service"]) {
    await mesh.edit(({ workloads }) => {
      const { quotes } = workloads;
      if (quotes !== undefined) quotes.spiffeId = spiffeId;
    });
    await mesh.must("up");
    expect((await quotesFlow(mesh, 5000)).hop?.callee).toBe(spiffeId);
    expect((await mesh.must("up")).stdout).toBe("unchanged\n");
    expect((await mesh.status()).problems).toEqual([]);
  }
});
