import { test } from "vitest";

import { fetchStats, parseListenerErrors, parseSecrets, parseStats } from "../../../scripts/observe/envoy-admin.ts";
import { isSidecarReady, observeSidecar, sidecarObservation } from "../../../scripts/observe/envoy.ts";
import { recorded, sidecarOf, socketFolder } from "./fixtures.ts";

const now = new Date("2026-11-24T22:51:40Z");

function observed(workload: "broker" | "quotes", answers: string) {
  const stats = parseStats(recorded(`${answers}.stats.txt`));
  const secrets = parseSecrets(recorded(`${answers}.secrets.json`));
  return sidecarObservation(sidecarOf(workload), { stats, secrets, now });
}

test("a sidecar that holds its SVID and its peers' bundles is ready", ({ expect }) => {
  expect(observed("quotes", "callee").health).toEqual({ state: "ready" });
  expect(observed("broker", "caller").health).toEqual({ state: "ready" });
});

test("an SVID is found by its full SPIFFE ID, with serial and what is left of its life", ({ expect }) => {
  expect(observed("quotes", "callee").svid).toEqual({
    spiffeId: "spiffe://stockmarket.example/quotes-service",
    serial: "528c0acae0df7663db04c16853dd459d",
    notBefore: "2026-11-24T22:50:59.000Z",
    notAfter: "2026-11-24T22:52:09.000Z",
    secondsLeft: 29,
    loadedAt: "2026-11-24T22:51:09.389Z",
  });
});

test("an SVID of another SPIFFE ID is not taken for the sidecar's own", ({ expect }) => {
  const stats = parseStats(recorded("callee.stats.txt"));
  const secrets = parseSecrets(recorded("callee.secrets.json"));
  const other = sidecarOf("quotes", { spiffeId: "spiffe://stockmarket.example/quotes" });
  const seen = sidecarObservation(other, { stats, secrets, now });
  expect(seen.svid).toBeUndefined();
  expect(seen.health).toEqual({
    state: "live",
    reason: "it waits for its SVID spiffe://stockmarket.example/quotes from its agent",
  });
});

test("an expired SVID has a negative rest of life", ({ expect }) => {
  const secrets = parseSecrets(recorded("callee.secrets.json"));
  const later = new Date("2026-11-24T22:53:09Z");
  const seen = sidecarObservation(sidecarOf("quotes"), { stats: new Map(), secrets, now: later });
  expect(seen.svid?.secondsLeft).toBe(-60);
});

/** Digests by validation context and trust domain. */
function digests(workload: "broker" | "quotes", answers: string): Map<string, string> {
  return new Map(
    observed(workload, answers).bundles.flatMap(({ context, trustDomains }) =>
      trustDomains.map(({ trustDomain, digest }) => [`${context}: ${trustDomain}`, digest] as const),
    ),
  );
}

test("a callee verifies every federated trust domain, a caller its callee's alone, with the same bundle", ({
  expect,
}) => {
  const [callee, caller] = [digests("quotes", "callee"), digests("broker", "caller")];
  expect([...callee.keys()]).toEqual(["ALL: broker.example", "ALL: stockmarket.example"]);
  expect([...caller.keys()]).toEqual(["spiffe://stockmarket.example: stockmarket.example"]);
  expect(caller.get("spiffe://stockmarket.example: stockmarket.example")).toBe(callee.get("ALL: stockmarket.example"));
});

test("a sidecar whose agent does not answer says what it waits for", ({ expect }) => {
  const seen = observed("broker", "waiting");
  expect(seen.svid).toBeUndefined();
  expect(seen.bundles).toEqual([{ context: "spiffe://stockmarket.example", trustDomains: [] }]);
  expect(seen.health).toEqual({
    state: "live",
    reason:
      "it waits for its SVID spiffe://broker.example/webapp and the bundle spiffe://stockmarket.example from its agent",
  });
});

test("refusals are counted by their cause", ({ expect }) => {
  expect(observed("quotes", "callee").inbound).toEqual({
    handshakes: 16,
    requests: 105,
    refused: { noCertificate: 1, verification: 0, spiffeId: 1, connection: 12, rule: 5 },
  });
  expect(observed("broker", "caller").inbound).toBeUndefined();
});

test("an edge's counters are those of the callee's cluster", ({ expect }) => {
  expect(Object.keys(observed("broker", "caller").outbound)).toEqual(["quotes"]);
  expect(observed("broker", "caller").outbound["quotes"]).toMatchObject({
    responses5xx: 0,
    connectFailures: 0,
    refused: 0,
  });
});

test("a file that could not be read as YAML counts as rejected", ({ expect }) => {
  expect(observed("quotes", "callee").subscriptions["policy.yaml"]).toEqual({
    attempts: 21,
    accepted: 19,
    rejected: 2,
    version: "d0d9a4809882",
  });
});

test("a sidecar that nobody calls does not read policy.yaml", ({ expect }) => {
  expect(Object.keys(observed("broker", "caller").subscriptions)).toEqual([
    "endpoints.yaml",
    "clusters.yaml",
    "listeners.yaml",
  ]);
});

test("the reason for a rejected listener is Envoy's own, once", ({ expect }) => {
  expect(parseListenerErrors(recorded("rejected.listeners.json"))).toEqual([
    "cannot bind '127.77.0.1:8081': Address already in use",
  ]);
});

test("no dynamic listener is no listener error", ({ expect }) => {
  expect(parseListenerErrors("{}")).toEqual([]);
});

test("a sidecar is ready when every secret of its probe was delivered", async ({ expect }) => {
  await using folder = await socketFolder();
  const answer = (file: string) => folder.serve(file, (_, response) => response.end(recorded(file)));
  const secrets = ["spiffe://stockmarket.example/quotes-service", "ALL"];
  const adminSocket = await answer("callee.stats.txt");
  expect(await isSidecarReady({ kind: "sidecar", adminSocket, secrets })).toBe(true);
  expect(await isSidecarReady({ kind: "sidecar", adminSocket, secrets: [...secrets, "ROOTCA"] })).toBe(false);
  const waiting = await answer("waiting.stats.txt");
  const broker = { kind: "sidecar" as const, adminSocket: waiting, secrets: ["spiffe://broker.example/webapp"] };
  expect(await isSidecarReady(broker)).toBe(false);
});

test("a sidecar whose admin socket is not there is down and not ready", async ({ expect }) => {
  await using folder = await socketFolder();
  const adminSocket = folder.path("admin.sock");
  expect(await isSidecarReady({ kind: "sidecar", adminSocket, secrets: [] })).toBe(false);
  expect(await observeSidecar(sidecarOf("quotes", { adminSocket }))).toEqual({
    health: { state: "down", reason: "quotes-sidecar's admin socket does not exist" },
    bundles: [],
    subscriptions: {},
    outbound: {},
  });
});

test("an admin interface that answers with an error is not taken for an empty one", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("admin.sock", (_, response) => response.writeHead(400).end("Invalid re2 regex\n"));
  await expect(fetchStats(socket, "(")).rejects.toThrow(
    "Envoy's admin answered 400 to /stats?filter=(: Invalid re2 regex",
  );
});
