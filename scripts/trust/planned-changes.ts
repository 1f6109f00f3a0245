// What one plan of a trust domain changes of another in its SPIRE Server, in the words of reconcile.ts: for whoever knows
// that a server was as the first one says and has become as the second one says. Pure.

import type { DomainPlan } from "../plan/plan.ts";
import { diffEntries, entryId, entryInWords, toEntry } from "./entries.ts";

export type Trust = Pick<DomainPlan, "entries" | "relationships"> & { readonly agent: { readonly spiffeId: string } };

/** Sentences without a full stop; none when the plans agree. */
export function plannedChanges(before: Trust, after: Trust): string[] {
  const held = new Set([...before.relationships, ...after.relationships].map(({ trustDomain }) => trustDomain));
  const { create, update, remove } = diffEntries({
    planned: after.entries,
    existing: before.entries.map((entry) => toEntry(entry, entryId(entry.name), held)),
    agentSpiffeId: after.agent.spiffeId,
    held,
  });
  return [
    ...partnersOf(after, before).map((trustDomain) => `federation with ${trustDomain} created`),
    ...create.map((entry) => `entry ${entryInWords(entry)} created`),
    ...update.map(({ entry, changes }) => `entry ${entryInWords(entry)} updated: ${changes.join("; ")}`),
    ...remove.map((entry) => `entry ${entryInWords(entry)} deleted`),
    ...partnersOf(before, after).map((trustDomain) => `federation with ${trustDomain} deleted`),
  ];
}

/** Partners of the one and not of the other. */
function partnersOf(one: Trust, other: Trust): string[] {
  const others = new Set(other.relationships.map(({ trustDomain }) => trustDomain));
  return one.relationships.map(({ trustDomain }) => trustDomain).filter((trustDomain) => !others.has(trustDomain));
}
