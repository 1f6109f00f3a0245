// The one-shot spire-bootstrap-<name> of the docker runtime: introduces the trust domain to its partners and makes the
// first pass over its SPIRE Server, so that agent and sidecars find what they need when they start. Safe to repeat, also
// beside a controller that runs.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { MeshError } from "../errors.ts";
import { printNote } from "../output/print.ts";
import type { DomainPlan } from "../plan/plan.ts";
import { dynamicFileNames } from "../render/dynamic.ts";
import { changesOf } from "../trust/reconcile.ts";
import { connectWhenUp, type ServerApi } from "../trust/server-api.ts";
import { until } from "../wait.ts";
import { runOneShot } from "./one-shot.ts";
import { reconcileDomain } from "./reconcile-domain.ts";

const deadlineMs = 30_000;

await runOneShot("bootstrap.ts", async ({ domain, signal }) => {
  await using api = await connectWhenUp(domain.server.adminSocket, {
    server: domain.server.process,
    untilMs: deadlineMs,
    signal,
  });
  await reconciled(domain, api, signal);
  const missing = (): string[] =>
    domain.sidecars.flatMap(({ dynamicDir }) =>
      dynamicFileNames.map((file) => join(dynamicDir, file)).filter((path) => !existsSync(path)),
    );
  await until(`${domain.controller.process} has written the files of its sidecars`, () => missing().length === 0, {
    deadlineMs,
    signal,
    lastSeen: () => `missing: ${missing().join(", ")}`,
    fix: `docker compose logs ${domain.controller.process}`,
  });
});

/** Until nothing waits for a partner: each partner's bootstrap writes its introduction. */
async function reconciled(domain: DomainPlan, api: ServerApi, signal: AbortSignal): Promise<void> {
  let pending: readonly string[] = [];
  const settled = async (): Promise<boolean> => {
    const report = await reconcileDomain(domain, api);
    for (const change of changesOf(report)) printNote(change);
    if (report.failed.length > 0)
      throw new MeshError("MESH_SPIRE_API", `${domain.server.process} refused what mesh.yaml asks for`, {
        details: report.failed,
        fix: `docker compose logs ${domain.server.process}`,
      });
    ({ pending } = report);
    return pending.length === 0;
  };
  await until(`${domain.server.process} holds its partners' bundles and its entries`, settled, {
    deadlineMs,
    signal,
    intervalMs: 20,
    lastSeen: () => pending.join("; "),
    fix: `docker compose logs ${domain.relationships.map(({ name }) => `spire-bootstrap-${name}`).join(" ")}`,
  });
}
