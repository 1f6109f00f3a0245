// The health check of controller-<name> on docker: waits until nothing stands in the way of the trust domain's mesh, as
// its controller sees it: server and agent, every sidecar with its SVID, its peers' bundles and the configuration of the
// plan. Its reason is what `docker inspect` shows of a service that is not healthy.

import { existsSync } from "node:fs";

import { MeshError } from "../errors.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { until } from "../wait.ts";
import { assess } from "./assess.ts";
import { controllerClient } from "./client.ts";
import { runOneShot } from "./one-shot.ts";

/** Less than the timeout of the health check, whose end would tell no reason. */
const deadlineMs = 30_000;

await runOneShot("health.ts", async ({ plan, domain, signal }) => {
  // Looking for a file costs nothing; asking everybody while nothing can be well yet slows the start down.
  const end = performance.now() + deadlineMs;
  const absent = (): string[] =>
    domain.sidecars.flatMap(({ process, adminSocket }) => (existsSync(adminSocket) ? [] : [process]));
  await until("every sidecar runs", () => absent().length === 0, {
    deadlineMs,
    signal,
    intervalMs: 50,
    lastSeen: () => `not yet: ${absent().join(", ")}`,
  });
  let problems: readonly string[] = [];
  const proven = async (): Promise<boolean> => {
    problems = await problemsOf(plan, domain);
    return problems.length === 0;
  };
  await until(`the mesh of ${domain.trustDomain} is as planned`, proven, {
    deadlineMs: Math.max(0, end - performance.now()),
    signal,
    intervalMs: 200,
    lastSeen: () => problems.join("; "),
  });
});

/** Its own view alone: what partners hold is theirs to know, and an answer along an edge is the caller's to prove. */
async function problemsOf(plan: Plan, domain: DomainPlan): Promise<string[]> {
  const { trustDomain, name } = domain;
  try {
    const facts = await controllerClient(domain).facts({ probe: false });
    return assess(plan, [{ trustDomain, name, facts }], []).problems.map(({ what }) => what);
  } catch (error) {
    if (error instanceof MeshError) return [error.message];
    throw error;
  }
}
