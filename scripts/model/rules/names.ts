// One name, one process: names of processes are the same in Compose, `ps`, logs and files, so none may be made twice.

import { domainOf, type DomainDraft, type Draft, type WorkloadDraft } from "../draft.ts";
import { quote, type Finding, type LineOf } from "../problem.ts";
import { nameOrDomain } from "./trust-domains.ts";

/** `bundles` and `config` are folders beside those of the processes; `supervisor` keeps its log beside theirs. */
const reserved = ["bundles", "config", "supervisor"];

interface ProcessName {
  readonly name: string;
  /** "the sidecar of `quotes`". */
  readonly what: string;
  readonly place: Pick<Finding, "path" | "at">;
}

export function nameFindings(draft: Draft, lineOf: LineOf): Finding[] {
  const taken = new Map<string, ProcessName>();
  const findings: Finding[] = [];
  const here = draft.workloads.filter((workload) => domainOf(draft, workload)?.external === undefined);
  for (const made of [...domainProcesses(draft.domains), ...here.flatMap(workloadProcesses)]) {
    const first = taken.get(made.name);
    if (first === undefined) taken.set(made.name, made);
    else {
      const message = `${made.what} and ${first.what} (line ${lineOf(first.place.path)}) would both be the process ${quote(made.name)}`;
      findings.push({ ...made.place, message, suggestion: "write another name" });
    }
  }
  for (const { name, path } of here.filter((workload) => reserved.includes(workload.name))) {
    const message = `the mesh keeps the name ${quote(name)} for itself`;
    findings.push({ path, at: "key", message, suggestion: "write another name" });
  }
  return findings;
}

/** Two domains of one name are reported as such, so only the first of a name counts here. */
function domainProcesses(domains: readonly DomainDraft[]): ProcessName[] {
  const named = domains.filter(({ external, name }) => external === undefined && name !== undefined);
  const firsts = named.filter((domain) => named.find((other) => other.name?.value === domain.name?.value) === domain);
  return firsts.flatMap((domain) =>
    [
      ["spire-server", "the SPIRE Server"],
      ["spire-agent", "the SPIRE Agent"],
      ["spire-bootstrap", "the bootstrap"],
      ["spire-keys", "the key maker"],
      ["controller", "the controller"],
    ].map(([prefix, what]) => ({
      name: `${prefix}-${domain.name?.value}`,
      what: `${what} of ${quote(domain.domain)}`,
      place: nameOrDomain(domain),
    })),
  );
}

function workloadProcesses({ name, path, app }: WorkloadDraft): ProcessName[] {
  const place = { path, at: "key" } as const;
  return [
    { name, what: `the app of ${quote(name)}`, place },
    { name: `${name}-sidecar`, what: `the sidecar of ${quote(name)}`, place },
    { name: `${name}-slot-2`, what: `another app of ${quote(name)} (./mesh swap)`, place },
    { name: `${name}-contract`, what: `who asks an app of ${quote(name)} what the contract asks`, place },
    ...(app?.listen === undefined ? [] : [{ name: `${name}-network`, what: `the network of ${quote(name)}`, place }]),
  ];
}
