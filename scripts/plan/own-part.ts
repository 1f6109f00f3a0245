// What one trust domain's programs need to know of a plan: their own part, as two companies would have it. Pure.

import type { DomainPlan, Plan } from "./plan.ts";

export function ownPart(whole: Plan, domain: DomainPlan): Plan {
  const { trustDomain } = domain;
  const processes = whole.processes.filter((process) => process.trustDomain === trustDomain);
  const names = processes.map(({ name }) => name);
  return {
    runtime: whole.runtime,
    domains: [domain],
    processes,
    folders: whole.folders.filter(({ mounts = {} }) => Object.keys(mounts).every((name) => names.includes(name))),
    edges: whole.edges.filter(({ caller }) => caller.trustDomain === trustDomain),
  };
}
