// What a partner publishes, against a real SPIRE Server and Agent: a bundle that an agent cannot take in is fetched and
// held, stops the agent's updates, and goes with the next pass.

import { writeFile } from "node:fs/promises";

import { test } from "vitest";

import { toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { trustFacts } from "../../../scripts/trust/facts.ts";
import { publishBundle, readBundleFile } from "../../../scripts/trust/introduction.ts";
import { isSettled, reconcile, type ReconcileReport } from "../../../scripts/trust/reconcile.ts";
import { until } from "../../../scripts/wait.ts";
import { startHostilePartner, type HostilePartner } from "./hostile-partner.ts";
import { startAgent, type TestAgent } from "./trust-agent.ts";
import { entryPlan, freeAddress, startTwo, type TestPlan, type TestServer } from "./trust-servers.ts";

const trustDomains = ["stockmarket.example", "hostile.example"];

/** The broker's plan, in which workloads federate with a sound partner and a hostile one that introduced itself well. */
async function planWith(
  { broker, stockmarket }: { readonly broker: TestServer; readonly stockmarket: TestServer },
  hostile: HostilePartner,
  agent: TestAgent,
) {
  const hostileFile = `${broker.bundleFile}.hostile`;
  await Promise.all([
    publishBundle(stockmarket.api, stockmarket.bundleFile),
    writeFile(hostileFile, toBundleDocument(hostile.bundle)),
  ]);
  const partners = [stockmarket, { ...hostile, bundleFile: hostileFile }];
  return (...workloads: string[]): TestPlan => {
    const mine = {
      parentID: agent.spiffeId,
      selectors: [`unix:uid:${process.getuid?.()}`],
      federatesWith: trustDomains,
    };
    return broker.plan(
      workloads.map((name) => entryPlan(broker, name, mine)),
      partners,
    );
  };
}

async function delivers(agent: TestAgent, name: string): Promise<void> {
  const has = async (): Promise<boolean> => (await agent.fetch()).includes(`spiffe://broker.example/${name}`);
  const lastSeen = (): string => agent.log().split("\n").slice(-3).join("\n");
  await until(`the agent delivers the SVID of ${name}`, has, { deadlineMs: 30_000, intervalMs: 200, lastSeen });
}

test("a bundle that no agent can take in is dissociated, and the agent's updates come back", async ({ expect }) => {
  await using servers = await startTwo();
  const { api } = servers.broker;
  await using hostile = await startHostilePartner("hostile.example", await freeAddress([8443]));
  await using agent = await startAgent(servers.broker);
  const planned = await planWith(servers, hostile, agent);
  const refused = new Map<string, string>();
  const pass = (...workloads: string[]): Promise<ReconcileReport> =>
    reconcile(planned(...workloads), api, { readBundle: readBundleFile, refused });

  expect(isSettled(await pass("first"))).toBe(true);
  await delivers(agent, "first");
  hostile.publish(await hostile.bundleWith(110, 45_000));
  await api.refreshBundle("hostile.example");
  await until("the agent cannot synchronize", () => /Synchronize failed.*ResourceExhausted/.test(agent.log()), {
    deadlineMs: 30_000,
    intervalMs: 200,
  });
  expect(await trustFacts(api)).toMatchObject({
    partners: [{ trustDomain: "hostile.example", refused: expect.any(String) }, { trustDomain: "stockmarket.example" }],
  });

  const report = await pass("first", "second");
  const why = "110 X.509 authorities, at most 100 are taken";
  expect(report.refused).toEqual([`the bundle of hostile.example is refused: ${why}`]);
  expect(isSettled(report)).toBe(true);
  await delivers(agent, "second");
  expect((await trustFacts(api)).partners.map(({ trustDomain }) => trustDomain)).toEqual(["stockmarket.example"]);
  expect((await pass("first", "second")).created).toEqual([]);

  // Asked again, as ./mesh up does. JWT keys alone are fetched and held too, and Envoy would reject all of `ALL`.
  refused.clear();
  expect((await pass("first", "second")).created).toHaveLength(1);
  hostile.publish(await hostile.jwtOnly());
  await api.refreshBundle("hostile.example");
  expect((await api.federatedBundle("hostile.example"))?.x509Authorities).toEqual([]);
  await pass("first", "second");
  expect([...refused.values()]).toEqual(["it has no X.509 authority"]);
  expect(await api.heldTrustDomains()).toEqual(["stockmarket.example"]);
});

test("a partner that is no longer planned goes, however large its bundle is", async ({ expect }) => {
  await using servers = await startTwo();
  const { api } = servers.broker;
  await using hostile = await startHostilePartner("hostile.example", await freeAddress([8443]));
  await using agent = await startAgent(servers.broker);
  const planned = await planWith(servers, hostile, agent);
  await reconcile(planned("first"), api, { readBundle: readBundleFile });
  hostile.publish(await hostile.bundleWith(110, 200_000));
  await api.refreshBundle("hostile.example");
  const without = servers.broker.plan([entryPlan(servers.broker, "first", { parentID: agent.spiffeId })], []);
  const report = await reconcile(without, api, { readBundle: readBundleFile });
  expect(report.failed).toEqual([]);
  expect((await trustFacts(api)).partners).toEqual([]);
});
