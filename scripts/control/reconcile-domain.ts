// One pass over a trust domain's SPIRE Server. Three callers: `./mesh up` before the controllers run, the controller's
// loop, and the one-shot of the docker runtime.

import type { DomainPlan } from "../plan/plan.ts";
import { publishBundle, readBundleFile } from "../trust/introduction.ts";
import { reconcile, type ReconcileOptions, type ReconcileReport } from "../trust/reconcile.ts";
import type { ServerApi } from "../trust/server-api.ts";

/**
 * Introduces the trust domain to its partners (its own bundle document), then makes entries and relationships agree
 * with the plan. Safe to repeat; `isSettled` tells whether another pass is needed.
 *
 * @throws MeshError MESH_SPIRE_API when the server does not answer
 */
export async function reconcileDomain(
  domain: DomainPlan,
  api: ServerApi,
  options: Pick<ReconcileOptions, "refused" | "onHeld"> = {},
): Promise<ReconcileReport> {
  const own = await publishBundle(api, domain.bundleFile);
  options.onHeld?.(own);
  return await reconcile(domain, api, { ...options, readBundle: readBundleFile });
}
