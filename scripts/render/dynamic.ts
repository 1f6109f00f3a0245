// The four dynamic files of a sidecar: always render(plan), each replaced whole; no code edits a rendered file.

import type { SidecarPlan } from "../plan/plan.ts";
import { clusters, endpoints } from "./clusters.ts";
import { listeners } from "./listeners.ts";
import { policies } from "./policy.ts";
import { spireAgentSds } from "./tls.ts";
import { discoveryYaml } from "./yaml.ts";

/** In the order in which Envoy should find them: what is referred to comes first. */
export const dynamicFileNames = ["endpoints.yaml", "policy.yaml", "clusters.yaml", "listeners.yaml"] as const;
export type DynamicFileName = (typeof dynamicFileNames)[number];

/** Content by file name. */
export function renderDynamic(sidecar: SidecarPlan): Readonly<Record<DynamicFileName, string>> {
  const definitions = { spire_agent_sds: spireAgentSds };
  const heading = (what: string): string => `${sidecar.process}: ${what}\nRendered from mesh.yaml.`;
  return {
    "endpoints.yaml": discoveryYaml(heading("where the app is now (EDS)."), endpoints(sidecar)),
    "policy.yaml": discoveryYaml(
      heading("which SPIFFE ID may use which rule (ECDS). It holds from the next request on."),
      policies(sidecar),
    ),
    "clusters.yaml": discoveryYaml(heading("whom it calls, and its app (CDS)."), clusters(sidecar), definitions),
    "listeners.yaml": discoveryYaml(heading("who may reach it, and how (LDS)."), listeners(sidecar), definitions),
  };
}
