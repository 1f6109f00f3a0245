// Rules of calls: an edge joins two workloads of this file that can verify each other, and admits what it says once.

import { domainOf, type CallDraft, type DomainDraft, type Draft, type WorkloadDraft } from "../draft.ts";
import { formatDuration } from "../duration.ts";
import { child } from "../part.ts";
import { didYouMean, quote, write, type Finding, type LineOf } from "../problem.ts";

/** No exchange lives longer, whatever is written: see maxConnectionSeconds in plan/sidecars.ts. */
const longestTimeoutMs = 4 * 60_000;
/** `/<caller>-sidecar/outbound/<callee>.sock` below a run folder of 35 bytes: 107, where a socket's path ends (unix(7)). */
const longestNamesOfEdge = 48;

export function callFindings(draft: Draft, lineOf: LineOf): Finding[] {
  return draft.workloads.flatMap((caller) =>
    caller.calls.flatMap((call) => [
      ...calleeFindings({ caller, call, draft, lineOf }),
      ...duplicateRules(call, lineOf),
      ...timeoutFindings(call),
    ]),
  );
}

interface Context {
  readonly caller: WorkloadDraft;
  readonly call: CallDraft;
  readonly draft: Draft;
  readonly lineOf: LineOf;
}

type Words = Pick<Finding, "message" | "suggestion">;

function calleeFindings({ caller, call, draft, lineOf }: Context): Finding[] {
  const callee = draft.workloads.find(({ name }) => name === call.callee);
  const [from, to] = [domainOf(draft, caller), callee === undefined ? undefined : domainOf(draft, callee)];
  const words = nameWords(caller, call.callee, draft);
  if (words === undefined && callee !== undefined && from !== undefined && to !== undefined) {
    const ends = { caller, callee, from, to };
    const reported = [reachWords(ends), federationWords(ends, lineOf)].filter((found) => found !== undefined);
    return reported.map((found) => ({ path: call.path, at: "key", ...found }));
  }
  return words === undefined ? [] : [{ path: call.path, at: "key", ...words }];
}

function nameWords({ name }: WorkloadDraft, callee: string, { workloads }: Draft): Words | undefined {
  const names = workloads.map((workload) => workload.name);
  if (!names.includes(callee)) {
    const suggestion = didYouMean(callee, names, "declare it under `workloads`");
    return { message: `${quote(callee)} is not a workload of this file`, suggestion };
  }
  if (callee === name) {
    const suggestion = "remove it: an app needs no sidecar to reach itself";
    return { message: `${quote(name)} calls itself`, suggestion };
  }
  if (name.length + callee.length <= longestNamesOfEdge) return undefined;
  const message = `the names ${quote(name)} and ${quote(callee)} are too long for the path of the socket between them`;
  return { message, suggestion: `write names of ${longestNamesOfEdge} characters together, at most` };
}

interface Ends {
  readonly caller: WorkloadDraft;
  readonly callee: WorkloadDraft;
  readonly from: DomainDraft;
  readonly to: DomainDraft;
}

/** Who runs an end decides how the other one reaches it. */
function reachWords({ caller, callee, from, to }: Ends): Words | undefined {
  if (from.external !== undefined && to.external !== undefined) {
    return { message: "both ends of this call are run by somebody else", suggestion: "remove it" };
  }
  const outside = to.external !== undefined ? "address" : "expose";
  const isOneSided = from.external !== undefined || to.external !== undefined;
  if (!isOneSided || child(callee.part, outside) !== undefined) return undefined;
  const message = `${quote(caller.name)} cannot reach ${quote(callee.name)}`;
  return { message, suggestion: `write \`${outside}: …\` below ${quote(callee.name)}` };
}

/**
 * Mutual TLS across trust domains: the callee's domain needs the caller's bundle to verify the caller, the caller's
 * domain needs the callee's to verify the callee. What an external domain fetches is not ours to declare.
 */
function federationWords({ caller, callee, from, to }: Ends, lineOf: LineOf): Words | undefined {
  if (from.domain === to.domain) return undefined;
  const sides = [
    { domain: from, partner: to },
    { domain: to, partner: from },
  ];
  const lacking = sides.filter(({ domain, partner }) => lacks(domain, partner));
  if (lacking.length === 0) return undefined;
  const whoLacks = lacking.map(
    ({ domain, partner }) =>
      `${quote(domain.domain)} (line ${lineOf(domain.path)}) does not federate with ${quote(partner.domain)}`,
  );
  const message = `${quote(caller.name)} calls ${quote(callee.name)}, but ${whoLacks.join(", and ")}`;
  const edits = lacking.map(({ domain, partner }) => {
    const partners = [...(domain.federatesWith?.value.map(({ value }) => value) ?? []), partner.domain];
    return `${write(`federatesWith: [${partners.join(", ")}]`)} below ${quote(domain.domain)}`;
  });
  return { message, suggestion: edits.join(" and ") };
}

function lacks(domain: DomainDraft, partner: DomainDraft): boolean {
  if (domain.external !== undefined || domain.federatesWith === undefined) return false;
  return !domain.federatesWith.value.some(({ value }) => value === partner.domain);
}

function duplicateRules({ rules = [] }: CallDraft, lineOf: LineOf): Finding[] {
  return rules.flatMap(({ path, value }, index): Finding[] => {
    const first = rules
      .slice(0, index)
      .find((other) => other.value.method === value.method && other.value.path === value.path);
    if (first === undefined) return [];
    const message = `the rule ${quote(`${value.method} ${value.path}`)} stands twice (line ${lineOf(first.path)})`;
    return [{ path, at: "value", message, suggestion: "write it once" }];
  });
}

function timeoutFindings({ timeoutMs }: CallDraft): Finding[] {
  if (timeoutMs === undefined || !timeoutMs.given) return [];
  if (timeoutMs.value > 0 && timeoutMs.value <= longestTimeoutMs) return [];
  const message = `a timeout of ${formatDuration(timeoutMs.value)} is not between 1ms and ${formatDuration(longestTimeoutMs)}`;
  return [{ path: timeoutMs.path, at: "value", message, suggestion: "write `timeout: 15s`" }];
}
