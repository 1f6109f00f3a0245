// Compares the registration entries of a plan with those of its SPIRE Server. Pure: says what to create, put right and
// delete, and which entries are somebody else's.

import type { StaticEntry } from "../plan/plan.ts";
import type { RegistrationEntry } from "./server-types.ts";

export interface EntryDiff {
  readonly create: readonly RegistrationEntry[];
  readonly update: readonly { readonly entry: RegistrationEntry; readonly changes: readonly string[] }[];
  readonly remove: readonly RegistrationEntry[];
  /** Not the mesh's, yet about its identities or its agent: worth telling, never touched. */
  readonly leaveAlone: readonly RegistrationEntry[];
  /** The entry is complete only when a bundle of this trust domain is held. */
  readonly waiting: readonly { readonly name: string; readonly trustDomain: string }[];
}

export interface EntryDiffInput {
  readonly planned: readonly StaticEntry[];
  readonly existing: readonly RegistrationEntry[];
  readonly agentSpiffeId: string;
  /** Trust domains whose bundle the server holds, or will hold before entries are written. */
  readonly held: ReadonlySet<string>;
}

/** Entry IDs that this project gives. A SPIRE Server may hold others' entries beside ours. */
const idPrefix = "mesh.";

export function entryId(name: string): string {
  return `${idPrefix}${name}`;
}

/**
 * What makes the server's entries the planned ones.
 *
 * Ownership. An entry is the mesh's when its ID has our prefix, or when its parent is the mesh's own agent: that agent
 * serves no one but the mesh, so an unplanned entry under it hands out an identity that nobody described, and goes.
 * Entries of other parents are not ours. Neither are admin and downstream entries without our ID: they are how an
 * operator grants access to the server itself, and deleting one could lock that operator out.
 *
 * SPIRE Server refuses an entry that federates with a trust domain whose bundle it does not hold (spiffe/spire#7146). Such a
 * trust domain is left out until its bundle is there, so that a missing partner does not cost a workload its SVID.
 */
export function diffEntries({ planned, existing, agentSpiffeId, held }: EntryDiffInput): EntryDiff {
  const owned = existing.filter((entry) => isOwned(entry, agentSpiffeId));
  const matches = matchEntries(planned, owned);
  const matched = new Set(matches.values());
  const taken = new Set(existing.map(({ id }) => id));
  const desired = planned.map((entry) => {
    const match = matches.get(entry);
    const id = entryId(entry.name);
    return { match, entry: toEntry(entry, match?.id ?? (taken.has(id) ? "" : id), held) };
  });
  const plannedIds = new Set(planned.map(({ spiffeID }) => spiffeID));
  return {
    create: desired.filter(({ match }) => match === undefined).map(({ entry }) => entry),
    update: desired.flatMap(({ match, entry }) => {
      const changes = match === undefined ? [] : changesOf(match, entry);
      return changes.length === 0 ? [] : [{ entry, changes }];
    }),
    remove: owned.filter((entry) => !matched.has(entry)),
    leaveAlone: existing.filter(
      (entry) => !owned.includes(entry) && (entry.parentId === agentSpiffeId || plannedIds.has(entry.spiffeId)),
    ),
    waiting: planned.flatMap(({ name, federatesWith }) =>
      federatesWith.filter((trustDomain) => !held.has(trustDomain)).map((trustDomain) => ({ name, trustDomain })),
    ),
  };
}

function isOwned(entry: RegistrationEntry, agentSpiffeId: string): boolean {
  if (entry.id.startsWith(idPrefix)) return true;
  return entry.parentId === agentSpiffeId && !entry.admin && !entry.downstream;
}

/**
 * Which entry stands for which planned one: first what SPIRE itself calls similar (same SPIFFE ID, parent and
 * selectors), because it would refuse to create a second one; then by ID, so that an edit is put right in place.
 */
function matchEntries(
  planned: readonly StaticEntry[],
  owned: readonly RegistrationEntry[],
): Map<StaticEntry, RegistrationEntry> {
  const matches = new Map<StaticEntry, RegistrationEntry>();
  const free = new Set(owned);
  const match = (isMatch: (entry: StaticEntry, candidate: RegistrationEntry) => boolean): void => {
    for (const entry of planned) {
      if (matches.has(entry)) continue;
      const found = [...free].find((candidate) => isMatch(entry, candidate));
      if (found === undefined) continue;
      matches.set(entry, found);
      free.delete(found);
    }
  };
  match(
    (entry, { spiffeId, parentId, selectors }) =>
      entry.spiffeID === spiffeId && entry.parentID === parentId && sameSet(entry.selectors, selectors),
  );
  match((entry, { id }) => entryId(entry.name) === id);
  return matches;
}

/** As messages name it. */
export function entryInWords({ id, spiffeId, selectors }: Pick<RegistrationEntry, "id" | "spiffeId" | "selectors">) {
  return `${id === "" ? "" : `${id}, `}${spiffeId} for ${selectors.join(" and ")}`;
}

/** The entry that is planned, as a server has it that holds these bundles. */
export function toEntry(entry: StaticEntry, id: string, held: ReadonlySet<string>): RegistrationEntry {
  return {
    id,
    spiffeId: entry.spiffeID,
    parentId: entry.parentID,
    selectors: entry.selectors,
    federatesWith: entry.federatesWith.filter((trustDomain) => held.has(trustDomain)),
    x509SvidTtlSeconds: entry.x509SVIDTTLSeconds,
    jwtSvidTtlSeconds: 0,
    admin: false,
    downstream: false,
    storeSvid: false,
    dnsNames: [],
    hint: "",
    expiresAt: 0,
  };
}

/** `selectors unix:uid:0 → unix:uid:70005`, one per field that differs. */
function changesOf(from: RegistrationEntry, to: RegistrationEntry): string[] {
  const fields = [
    ["SPIFFE ID", [from.spiffeId], [to.spiffeId]],
    ["parent ID", [from.parentId], [to.parentId]],
    ["selectors", from.selectors, to.selectors],
    ["federates with", from.federatesWith, to.federatesWith],
    ["X.509-SVID TTL", [`${from.x509SvidTtlSeconds} s`], [`${to.x509SvidTtlSeconds} s`]],
    ["JWT-SVID TTL", [`${from.jwtSvidTtlSeconds} s`], [`${to.jwtSvidTtlSeconds} s`]],
    ["admin", [String(from.admin)], [String(to.admin)]],
    ["downstream", [String(from.downstream)], [String(to.downstream)]],
    ["store SVID", [String(from.storeSvid)], [String(to.storeSvid)]],
    ["DNS names", from.dnsNames, to.dnsNames],
    ["hint", [from.hint], [to.hint]],
    ["expires at", [String(from.expiresAt)], [String(to.expiresAt)]],
  ] as const;
  return fields
    .filter(([, before, after]) => !sameSet(before, after))
    .map(([name, before, after]) => `${name} ${inWords(before)} → ${inWords(after)}`);
}

function inWords(values: readonly string[]): string {
  return values.filter((value) => value !== "").join(", ") || "none";
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const [first, second] = [new Set(left), new Set(right)];
  return first.size === second.size && [...first].every((value) => second.has(value));
}
