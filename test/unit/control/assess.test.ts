import { test } from "vitest";

import { sidecarBundleProblems } from "../../../scripts/control/assess-bundles.ts";
import { assess, type KeptProcess } from "../../../scripts/control/assess.ts";
import type { DomainStatus } from "../../../scripts/control/status-report.ts";
import type { EdgeFacts, SidecarFacts } from "../../../scripts/observe/facts.ts";
import { tutorialPlan } from "../observe/fixtures.ts";
import { bent, readyReport } from "./fixtures.ts";

const plan = tutorialPlan();

function problems(domains: readonly DomainStatus[], processes: readonly KeptProcess[] = []): string[] {
  return assess(plan, domains, processes).problems.map(({ what, fix }) => `${what} | ${fix}`);
}

/** Every process of the plan, as the runtime lists it. */
function running(): KeptProcess[] {
  return plan.processes.map(({ name }) => ({ name, state: "running", restarts: 0 }));
}

function withSidecar(changes: Partial<SidecarFacts>): DomainStatus[] {
  return bent("stockmarket.example", ({ sidecars }) => ({
    sidecars: sidecars.map((sidecar) => ({ ...sidecar, ...changes })),
  }));
}

function withEdge(changes: Partial<EdgeFacts>): DomainStatus[] {
  return bent("broker.example", ({ edges }) => ({ edges: edges.map((edge) => ({ ...edge, ...changes })) }));
}

/** stockmarket.example has had another bundle for so many seconds. */
function withNewerBundle(seconds: number): DomainStatus[] {
  const at = readyReport().trustDomains[0]?.facts?.at ?? "";
  const bundleSince = new Date(Date.parse(at) - seconds * 1000).toISOString();
  return bent("stockmarket.example", ({ server }) => ({
    server: { ...server, bundle: { digest: "00" }, bundleSince },
    sidecars: [],
  }));
}

function withLifeLeft(secondsLeft: number): DomainStatus[] {
  const [sidecar] = readyReport().trustDomains[1]?.facts?.sidecars ?? [];
  if (sidecar?.svid === undefined) throw new Error("the recorded report has no SVID");
  return withSidecar({ svid: { ...sidecar.svid, secondsLeft } });
}

const none = { requests: 0, responses2xx: 0, responses5xx: 0, handshakes: 0, connectFailures: 0, refused: 0 };

function counted(changes: Partial<typeof none>): string[] {
  return problems(withEdge({ probe: { kind: "not-probed" }, counters: { ...none, ...changes } }));
}

test("a mesh in which everything is as it should be has no problem", ({ expect }) => {
  const { trustDomains, bundles } = readyReport();
  expect(assess(plan, trustDomains, running())).toEqual(readyReport());
  expect(bundles.map(({ holder, of, state }) => `${holder} ${of} ${state}`)).toEqual([
    "broker.example stockmarket.example current",
    "stockmarket.example broker.example current",
  ]);
});

test("a process that keeps dying is named once, before what it causes", ({ expect }) => {
  const domains = bent("broker.example", ({ server }) => ({
    server: { ...server, health: { state: "down", reason: "nothing listens" } },
  }));
  const processes = running().map((process) =>
    process.name === "spire-server-broker" ? { ...process, state: "backing-off", restarts: 3 } : process,
  );
  expect(problems(domains, processes)).toEqual([
    "spire-server-broker died and is started again (3 times so far) | ./mesh logs spire-server-broker",
  ]);
  expect(problems(domains)).toEqual([
    "spire-server-broker is down: nothing listens | ./mesh restart spire-server-broker",
  ]);
});

test("what was never started is mended by up alone, whatever does not answer for it", ({ expect }) => {
  const domains = readyReport().trustDomains.map(({ trustDomain, name }) => ({
    trustDomain,
    name,
    reason: `controller-${name} does not answer on its socket`,
  }));
  const without = (role: string): KeptProcess[] =>
    running().filter(({ name }) => plan.processes.find((process) => process.name === name)?.role !== role);
  expect(problems(domains, without("controller"))).toEqual([
    "controller-broker, controller-stockmarket were not started: the last ./mesh up has not ended | ./mesh up",
  ]);
  expect(problems(readyReport().trustDomains, running().slice(1))).toEqual([
    `${plan.processes[0]?.name} was not started: the last ./mesh up has not ended | ./mesh up`,
  ]);
});

test("a controller that does not answer leaves its trust domain unknown, not ready", ({ expect }) => {
  const domains = readyReport().trustDomains.map((domain) =>
    domain.name === "broker"
      ? {
          trustDomain: domain.trustDomain,
          name: domain.name,
          reason: "controller-broker does not answer on its socket",
        }
      : domain,
  );
  expect(problems(domains)).toEqual([
    "nothing is known of broker.example: controller-broker does not answer on its socket | ./mesh restart controller-broker",
  ]);
  expect(assess(plan, domains, []).bundles.map(({ state }) => state)).toEqual(["unknown", "unknown"]);
});

test("a missing bundle names holder and partner", ({ expect }) => {
  const domains = bent("broker.example", () => ({
    partners: [{ trustDomain: "stockmarket.example", reason: "no bundle of it is held yet" }],
  }));
  expect(problems(domains)).toEqual([
    "broker.example holds no bundle of stockmarket.example: no bundle of it is held yet | ./mesh logs controller-broker",
  ]);
});

test("an older bundle is a problem only when a whole refresh hint has passed", ({ expect }) => {
  const fresh = assess(plan, withNewerBundle(10), []);
  expect(fresh.bundles[0]).toMatchObject({ state: "older", behindSeconds: 10 });
  expect(fresh.ready).toBe(true);
  expect(problems(withNewerBundle(61))).toEqual([
    "broker.example has not fetched the bundle of stockmarket.example that is current since 61 s | ./mesh logs spire-server-broker",
  ]);
});

test("an agent that has not attested, or whose SVID has expired, is named", ({ expect }) => {
  const domains = bent("broker.example", ({ agent }) => ({
    agent: { process: agent.process, spiffeId: agent.spiffeId, health: agent.health, attested: false },
  }));
  expect(problems(domains)).toEqual([
    "spire-agent-broker has not attested to spire-server-broker | ./mesh restart spire-agent-broker",
  ]);
});

test("an SVID that was not rotated in time is a problem before it expires", ({ expect }) => {
  expect(problems(withLifeLeft(30))).toEqual([]);
  expect(problems(withLifeLeft(15))).toEqual([
    "the SVID of quotes-sidecar should have been rotated: 15 s left | ./mesh logs spire-agent-stockmarket",
  ]);
  expect(problems(withLifeLeft(-1))).toEqual([
    "the SVID of quotes-sidecar has expired | ./mesh restart spire-agent-stockmarket",
  ]);
});

test("a sidecar that waits for its SVID leads to its agent", ({ expect }) => {
  const waiting = withSidecar({
    health: { state: "live", reason: "it waits for its SVID" },
    configuration: [{ file: "listeners.yaml", state: "behind" }],
  });
  expect(problems(waiting)).toEqual([
    "quotes-sidecar is not ready: it waits for its SVID | ./mesh logs spire-agent-stockmarket",
  ]);
});

test("a rejected file is told with Envoy's reason, and one that was not taken up by its name", ({ expect }) => {
  const rejected = withSidecar({
    configuration: [
      { file: "policy.yaml", state: "rejected", reason: "missing ): (((" },
      { file: "listeners.yaml", state: "behind" },
    ],
  });
  expect(problems(rejected)).toEqual([
    "quotes-sidecar rejected policy.yaml and serves on as before: missing ): ((( | ./mesh logs quotes-sidecar",
  ]);
  const behind = withSidecar({ configuration: [{ file: "listeners.yaml", state: "behind" }] });
  expect(problems(behind)).toEqual(["quotes-sidecar has not taken up listeners.yaml | ./mesh restart quotes-sidecar"]);
});

test("an edge is judged by its probe", ({ expect }) => {
  expect(
    problems(withEdge({ probe: { kind: "failed", path: "/quotes", reason: "no answer within 2000 ms" } })),
  ).toEqual(["broker → quotes: no answer within 2000 ms | ./mesh logs broker-sidecar quotes-sidecar"]);
  expect(problems(withEdge({ probe: { kind: "answered", path: "/quotes", status: 500, ms: 1 } }))).toEqual([
    "broker → quotes: quotes answered 500 to GET /quotes | ./mesh logs quotes",
  ]);
});

test("an edge that is not probed is judged by its counters", ({ expect }) => {
  expect(counted({})).toEqual([]);
  expect(counted({ requests: 9, responses2xx: 8, responses5xx: 1, handshakes: 2, connectFailures: 1 })).toEqual([]);
  expect(counted({ connectFailures: 4 })).toEqual([
    "broker → quotes: none of 4 connections succeeded | ./mesh logs broker-sidecar quotes-sidecar",
  ]);
  expect(counted({ handshakes: 1, responses5xx: 3 })).toEqual([
    "broker → quotes: all of 3 answers were errors | ./mesh logs broker-sidecar quotes-sidecar",
  ]);
});

test("a sidecar that does not verify by what its server holds is a problem, naming whose bundle", ({ expect }) => {
  const [context] = readyReport().trustDomains[1]?.facts?.sidecars[0]?.bundles ?? [];
  const stale = withSidecar({
    bundles: [{ context: "ALL", trustDomains: [{ trustDomain: "broker.example", digest: "00" }] }],
  });
  expect(context?.trustDomains.map(({ trustDomain }) => trustDomain)).toContain("broker.example");
  const [problem = "", ...others] = problems(stale);
  expect(others).toEqual([]);
  expect(problem).toMatch(
    /^quotes-sidecar does not verify broker\.example by the bundle that spire-server-stockmarket holds since \d+ s \| \.\/mesh logs quotes-sidecar$/,
  );
});

const verifies = (trustDomain: string) => ({
  bundles: [{ context: "ALL", trustDomains: [{ trustDomain, digest: "00" }] }],
});

test("nor does it have to in the first seconds; and its own trust domain's bundle counts too", ({ expect }) => {
  const report = readyReport();
  const partner = report.trustDomains[1]?.facts?.partners[0];
  const sidecar = report.trustDomains[1]?.facts?.sidecars[0];
  const facts = report.trustDomains[1]?.facts;
  if (partner === undefined || sidecar === undefined || facts === undefined) throw new Error("the report is not whole");
  const heldFor = (heldSeconds: number) => ({ ...facts, partners: [{ ...partner, heldSeconds }] });
  const found = (seconds: number) =>
    sidecarBundleProblems(heldFor(seconds), { ...sidecar, ...verifies("broker.example") }).length;
  expect([found(20), found(21)]).toEqual([0, 1]);
  expect(sidecarBundleProblems(facts, { ...sidecar, ...verifies("stockmarket.example") })).toHaveLength(1);
});
