// Rules of calls: an edge joins two workloads of this file that can verify each other, and admits what it says once.

import { domainOf, type CallDraft, type DomainDraft, type Draft, type WorkloadDraft } from "../draft.ts";
import { formatDuration } from "../duration.ts";
import { child } from "../part.ts";
import { didYouMean, quote, type Finding, type LineOf } from "../problem.ts";

const longestTimeoutMs = 5 * 60_000;
/** `/<caller>-sidecar/outbound/<callee>.sock` below a run folder of 35 bytes: 107, where a socket's path ends (unix(7)). */
const longestNamesOfEdge = 48;

export function callFindings(draft: Draft, lineOf: LineOf): Finding[] {
  return draft.workloads.flatMap((caller) =>
    caller.calls.flatMap((call) => [
      ...calleeFindings(caller, call, draft, lineOf),
      ...duplicateRules(call, lineOf),
      ...timeoutFindings(call),
    ]),
  );
}

function calleeFindings(caller: WorkloadDraft, call: CallDraft, draft: Draft, lineOf: LineOf): Finding[] {
  const place = { path: call.path, at: "key" } as const;
  const names = draft.workloads.map(({ name }) => name);
  const callee = draft.workloads.find(({ name }) => name === call.callee);
  if (callee === undefined) {
    const message = `${quote(call.callee)} is not a workload of this file`;
    return [{ ...place, message, suggestion: didYouMean(call.callee, names, "declare it under `workloads`") }];
  }
  if (callee === caller) {
    return [
      {
        ...place,
        message: `${quote(caller.name)} calls itself`,
        suggestion: "remove it: an app needs no sidecar to reach itself",
      },
    ];
  }
  if (caller.name.length + callee.name.length > longestNamesOfEdge) {
    const message = `the names ${quote(caller.name)} and ${quote(callee.name)} are too long for the path of the socket between them`;
    return [{ ...place, message, suggestion: `write names of ${longestNamesOfEdge} characters together, at most` }];
  }
  const [from, to] = [domainOf(draft, caller), domainOf(draft, callee)];
  if (from === undefined || to === undefined) return [];
  return [
    ...externalFindings(caller, callee, { from, to }, call),
    ...federationFindings(caller, callee, { from, to }, call, lineOf),
  ];
}

interface Ends {
  readonly from: DomainDraft;
  readonly to: DomainDraft;
}

function externalFindings(
  caller: WorkloadDraft,
  callee: WorkloadDraft,
  { from, to }: Ends,
  call: CallDraft,
): Finding[] {
  const place = { path: call.path, at: "key" } as const;
  if (from.external !== undefined && to.external !== undefined) {
    return [{ ...place, message: "both ends of this call are run by somebody else", suggestion: "remove it" }];
  }
  if (to.external !== undefined && child(callee.part, "address") === undefined) {
    const suggestion = `write \`address: …\` below ${quote(callee.name)}`;
    return [{ ...place, message: `${quote(caller.name)} cannot reach ${quote(callee.name)}`, suggestion }];
  }
  if (from.external !== undefined && child(callee.part, "expose") === undefined) {
    const suggestion = `write \`expose: …\` below ${quote(callee.name)}`;
    return [{ ...place, message: `${quote(caller.name)} cannot reach ${quote(callee.name)}`, suggestion }];
  }
  return [];
}

/**
 * Mutual TLS across trust domains: the callee's domain needs the caller's bundle to verify the caller, the caller's
 * domain needs the callee's to verify the callee. What an external domain fetches is not ours to declare.
 */
function federationFindings(
  caller: WorkloadDraft,
  callee: WorkloadDraft,
  { from, to }: Ends,
  call: CallDraft,
  lineOf: LineOf,
): Finding[] {
  if (from.domain === to.domain) return [];
  const lacking = [
    { domain: from, partner: to },
    { domain: to, partner: from },
  ].filter(({ domain, partner }) => lacks(domain, partner));
  if (lacking.length === 0) return [];
  const whoLacks = lacking.map(
    ({ domain, partner }) =>
      `${quote(domain.domain)} (line ${lineOf(domain.path)}) does not federate with ${quote(partner.domain)}`,
  );
  const message = `${quote(caller.name)} calls ${quote(callee.name)}, but ${whoLacks.join(", and ")}`;
  const edits = lacking.map(({ domain, partner }) => {
    const partners = [...(domain.federatesWith?.value.map(({ value }) => value) ?? []), partner.domain];
    return `${quote(`federatesWith: [${partners.join(", ")}]`)} below ${quote(domain.domain)}`;
  });
  return [{ path: call.path, at: "key", message, suggestion: `write ${edits.join(" and ")}` }];
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
  if (timeoutMs === undefined || (timeoutMs.value > 0 && timeoutMs.value <= longestTimeoutMs)) return [];
  const message = `a timeout of ${formatDuration(timeoutMs.value)} is not between 1ms and ${formatDuration(longestTimeoutMs)}`;
  return [{ path: timeoutMs.path, at: "value", message, suggestion: "write `timeout: 15s`" }];
}
