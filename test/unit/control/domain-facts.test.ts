import { test } from "vitest";

import { assess } from "../../../scripts/control/assess.ts";
import { domainFacts } from "../../../scripts/control/domain-facts.ts";
import { openMemory } from "../../../scripts/control/memory.ts";
import { sidecarUpdates } from "../../../scripts/control/updates.ts";
import type { PartnerTrust, TrustFacts } from "../../../scripts/trust/facts.ts";
import { domainOf, socketFolder, tutorialPlan } from "../observe/fixtures.ts";

const trustDomain = "stockmarket.example";
const why = "9000 X.509 authorities, at most 100 are taken";

function trustWith(partner: PartnerTrust): TrustFacts {
  return {
    bundle: { digest: "00", x509Authorities: [], jwtAuthorities: 0 },
    partners: [partner],
    agents: [],
    entries: [],
  };
}

test.for([
  ["is still held", trustWith({ trustDomain: "broker.example", refused: why }), new Map()],
  ["is gone", trustWith({ trustDomain: "broker.example" }), new Map([["broker.example", why]])],
] as const)("status tells of a partner whose bundle is refused and %s", async ([, trust, refused], { expect }) => {
  await using folder = await socketFolder();
  const plan = tutorialPlan();
  const domain = domainOf(plan, trustDomain);
  const facts = await domainFacts(
    { ...domain, sidecars: [] },
    [],
    {
      controller: { process: "controller-stockmarket", pid: 1, startedAt: "2026-11-24T22:50:34.808Z" },
      memory: await openMemory(folder.path("memory.json"), () => undefined),
      trust: async () => trust,
      updates: sidecarUpdates(),
      refused,
    },
    { probe: false },
  );
  const problems = assess(plan, [{ trustDomain, name: domain.name, facts }], []).problems.map(({ what }) => what);
  expect(problems).toContain(
    `${trustDomain} holds no bundle of broker.example: it is refused: ${why}; once that is mended, ./mesh up federates again`,
  );
});
