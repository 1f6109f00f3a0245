// Every rule about how places of mesh.yaml relate: what could not be safe, or could not be.

import type { Draft } from "./draft.ts";
import type { Finding, LineOf } from "./problem.ts";
import { addressFindings } from "./rules/addresses.ts";
import { callFindings } from "./rules/calls.ts";
import { nameFindings } from "./rules/names.ts";
import { notYetFindings } from "./rules/not-yet.ts";
import { trustDomainFindings } from "./rules/trust-domains.ts";
import { ttlFindings } from "./rules/ttl.ts";
import { workloadFindings } from "./rules/workloads.ts";

export function ruleFindings(draft: Draft, lineOf: LineOf): Finding[] {
  return [
    ...trustDomainFindings(draft, lineOf),
    ...ttlFindings(draft),
    ...nameFindings(draft, lineOf),
    ...workloadFindings(draft, lineOf),
    ...addressFindings(draft, lineOf),
    ...callFindings(draft, lineOf),
    ...notYetFindings(draft),
  ];
}
