// The one-shot spire-bootstrap-<name> of the docker runtime: introduces the trust domain to its partners and has its
// controller make the first pass over SPIRE Server and its sidecars' files, so that agent and sidecars find what they need
// when they start. Safe to repeat.

import { existsSync } from "node:fs";

import { MeshError } from "../errors.ts";
import { printNote } from "../output/print.ts";
import type { DomainPlan } from "../plan/plan.ts";
import { publishBundle } from "../trust/introduction.ts";
import { connectWhenUp, loadServerApi, type ServerApi } from "../trust/server-api.ts";
import { until, type WaitOptions } from "../wait.ts";
import { controllerClient } from "./client.ts";
import { runOneShot } from "./one-shot.ts";

// Loaded here, so that it is in the image's compile cache.
await loadServerApi();

const deadlineMs = 30_000;

await runOneShot("bootstrap.ts", async ({ plan, domain, signal }) => {
  const { server, controller } = domain;
  const client = controllerClient(domain);
  const waiting = (service: string): WaitOptions => ({ deadlineMs, signal, fix: `docker compose logs ${service}` });
  await until(`${controller.process} answers`, client.health, waiting(controller.process));
  await using api = await connectWhenUp(server.adminSocket, { server: server.process, untilMs: deadlineMs, signal });
  await publishBundle(api, domain.bundleFile);
  await until("every partner has introduced itself", () => isIntroduced(domain, api), {
    ...waiting(domain.relationships.map(({ name }) => `spire-bootstrap-${name}`).join(" ")),
    intervalMs: 20,
  });
  // Not by a pass of its own: SPIRE Server fails where two write one relationship at the same time.
  const { trust, pending } = await client.applyPlan(plan, { deadlineMs });
  for (const change of trust) printNote(change);
  if (pending.length === 0) return;
  throw new MeshError("MESH_SPIRE_API", `${server.process} is not as planned`, {
    details: pending,
    fix: `docker compose logs ${controller.process}`,
  });
});

/** Whom it was introduced to before, it has a relationship with. */
async function isIntroduced({ relationships }: DomainPlan, api: ServerApi): Promise<boolean> {
  const missing = relationships.filter(({ bootstrapBundleFile }) => !existsSync(bootstrapBundleFile));
  if (missing.length === 0) return true;
  const known = new Set((await api.relationships()).map(({ trustDomain }) => trustDomain));
  return missing.every(({ trustDomain }) => known.has(trustDomain));
}
