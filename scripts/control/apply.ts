// Takes up a plan because a command asks for it: waits for the outcome and fails with what stood in the way, where the
// controller's own rounds would only note it and go on.

import { MeshError } from "../errors.ts";
import { observeSidecar } from "../observe/envoy.ts";
import type { DomainPlan, SidecarPlan } from "../plan/plan.ts";
import { changesOf, isSettled, type ReconcileReport } from "../trust/reconcile.ts";
import { until } from "../wait.ts";
import { reconcileDomain } from "./reconcile-domain.ts";
import type { PlanReport } from "./report.ts";
import type { ServerLink } from "./server-link.ts";
import { rejectionError } from "./take-up.ts";
import type { SidecarUpdates } from "./updates.ts";

const settleDeadlineMs = 5000;
const readyDeadlineMs = 10_000;

/**
 * Reconciles until the server is as planned. A partner that has not introduced itself stays pending.
 *
 * @throws MeshError MESH_SPIRE_API when the server does not answer or refuses something
 */
export async function applyToServer(
  domain: DomainPlan,
  server: ServerLink,
): Promise<{ readonly changes: readonly string[]; readonly pending: readonly string[] }> {
  const changes: string[] = [];
  const deadline = performance.now() + settleDeadlineMs;
  const pass = async (): Promise<ReconcileReport | undefined> => {
    const report = await server.use((api) => reconcileDomain(domain, api));
    changes.push(...changesOf(report));
    return isSettled(report) || report.failed.length > 0 || performance.now() > deadline ? report : undefined;
  };
  const last = await until(`${domain.server.process} has the entries and relationships of the plan`, pass, {
    deadlineMs: settleDeadlineMs * 2,
    intervalMs: 50,
  });
  if (last.failed.length > 0)
    throw new MeshError("MESH_SPIRE_API", `${domain.server.process} is not as planned`, {
      details: last.failed,
      fix: `./mesh logs ${domain.server.process}`,
    });
  return { changes, pending: last.pending };
}

/**
 * Has every sidecar take up its files, and waits until those that run serve from them.
 *
 * @throws MeshError MESH_UPDATE_REJECTED, MESH_TIMEOUT
 */
export async function applyToSidecars(domain: DomainPlan, updates: SidecarUpdates): Promise<PlanReport["files"]> {
  const applied = await Promise.all(
    domain.sidecars.map(async (sidecar) => ({ sidecar, ...(await updates.bring(sidecar, { insist: true })) })),
  );
  for (const { sidecar, rejection } of applied) if (rejection !== undefined) throw rejectionError(sidecar, rejection);
  const changed = applied.filter(({ replaced }) => replaced.length > 0);
  await Promise.all(changed.map(({ sidecar }) => untilServing(sidecar)));
  return changed.flatMap(({ sidecar, replaced }) => replaced.map((file) => ({ sidecar: sidecar.process, file })));
}

/** A listener or cluster that was accepted may still wait for its secrets. */
async function untilServing(sidecar: SidecarPlan): Promise<void> {
  let last: string | undefined;
  await until(
    `${sidecar.process} serves from its new configuration`,
    async () => {
      const { health } = await observeSidecar(sidecar);
      last = health.reason;
      return health.state !== "live";
    },
    { deadlineMs: readyDeadlineMs, lastSeen: () => last, fix: `./mesh logs ${sidecar.process}` },
  );
}
