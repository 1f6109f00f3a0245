import { test } from "vitest";

import { sidecarFacts, type Remembered } from "../../../scripts/control/sidecar-facts.ts";
import type { SidecarObservation } from "../../../scripts/observe/envoy.ts";
import { sidecarOf } from "../observe/fixtures.ts";

const now = new Date("2026-11-24T22:51:40Z");
const wanted = { "endpoints.yaml": "e1", "policy.yaml": "p1", "clusters.yaml": "c1", "listeners.yaml": "l1" };

const seen: SidecarObservation = {
  health: { state: "ready" },
  svid: {
    spiffeId: "spiffe://stockmarket.example/quotes-service",
    serial: "528c",
    notAfter: "2026-11-24T22:52:09.000Z",
    secondsLeft: 29,
    loadedAt: "2026-11-24T22:51:09.389Z",
  },
  bundles: [],
  subscriptions: {
    "endpoints.yaml": { attempts: 4, accepted: 4, rejected: 0, version: "e1" },
    "policy.yaml": { attempts: 4, accepted: 2, rejected: 2, version: "p1" },
    "clusters.yaml": { attempts: 4, accepted: 4, rejected: 0, version: "c0" },
  },
  outbound: {},
};

function remembered(updates: Partial<Remembered["updates"]> = {}): Remembered {
  return {
    now,
    memory: { holdsSvid: (_, serial) => ({ rotations: serial === "528c" ? 7 : 0, since: "2026-11-24T22:00:00.000Z" }) },
    updates: { versions: () => wanted, rejection: () => undefined, pastRejections: () => 0, ...updates },
  };
}

function states(updates: Partial<Remembered["updates"]> = {}): string[] {
  const { configuration } = sidecarFacts(sidecarOf("quotes"), seen, remembered(updates));
  return configuration.map(({ file, state, reason }) => [file, state, reason].filter(Boolean).join(" "));
}

test("a version that Envoy reports although it rejected it is not taken for in sync", ({ expect }) => {
  expect(states()).toEqual([
    "endpoints.yaml in-sync",
    "policy.yaml rejected",
    "clusters.yaml behind",
    "listeners.yaml behind",
  ]);
});

test("rejections that are past, or not settled yet, do not count", ({ expect }) => {
  expect(states({ pastRejections: () => 2 })[1]).toBe("policy.yaml in-sync");
  expect(states({ pastRejections: () => undefined })[1]).toBe("policy.yaml in-sync");
});

const rejection = () => ({ file: "policy.yaml" as const, reason: "missing )" });

test("an update that was rejected and put back is told with its reason", ({ expect }) => {
  expect(states({ rejection, versions: () => ({ ...wanted, "policy.yaml": "p2" }) })[1]).toBe(
    "policy.yaml rejected missing )",
  );
});

test("rotations are those that the controller saw", ({ expect }) => {
  expect(sidecarFacts(sidecarOf("quotes"), seen, remembered()).svid).toMatchObject({
    serial: "528c",
    rotations: 7,
    rotationsSince: "2026-11-24T22:00:00.000Z",
  });
});

test("of a sidecar that does not answer nothing is claimed", ({ expect }) => {
  const away = { health: { state: "down" as const }, bundles: [], subscriptions: {}, outbound: {} };
  expect(sidecarFacts(sidecarOf("quotes"), away, remembered())).toEqual({
    workload: "quotes",
    process: "quotes-sidecar",
    spiffeId: "spiffe://stockmarket.example/quotes-service",
    health: { state: "down" },
    bundles: [],
    configuration: [],
  });
});

test("a sidecar that cannot listen says where, and does not seem to wait for its SVID", ({ expect }) => {
  const reason = "cannot bind '127.64.3.2:9443': Address already in use";
  const health = { state: "live" as const, reason: "it waits for its SVID" };
  const taken = { rejection: () => ({ file: "listeners.yaml" as const, reason }) };
  expect(sidecarFacts(sidecarOf("quotes"), { ...seen, health }, remembered(taken)).health).toEqual({
    state: "live",
    reason: "it cannot listen on 127.64.3.2:9443, where somebody else listens; it is tried again every few seconds",
  });
  expect(sidecarFacts(sidecarOf("quotes"), { ...seen, health }, remembered()).health).toEqual(health);
});
