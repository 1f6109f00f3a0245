// Makes one SPIRE Server agree with the plan of its trust domain: list, compare, apply. Safe to repeat and to run at any
// time: it changes only what differs, and puts right what somebody edited by hand.

import { MeshError } from "../errors.ts";
import type { Bundle } from "../spiffe/bundle.ts";
import { diffEntries, entryInWords, type EntryDiff } from "./entries.ts";
import { judgeBundles, withoutPartners, type Planned } from "./quarantine.ts";
import { diffRelationships, unplanned, type RelationshipChange, type RelationshipDiff } from "./relationships.ts";
import type { BootstrappedRelationship, ServerApi } from "./server-api.ts";
import type { Outcome, RegistrationEntry } from "./server-types.ts";

/** What one pass did and left undone, in sentences without a full stop. All lists empty: everything was already so. */
export interface ReconcileReport {
  readonly trustDomain: string;
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
  /** Waits for a partner; another pass will do it. */
  readonly pending: readonly string[];
  /** What the server refused, or a partner's introduction that cannot be read. */
  readonly failed: readonly string[];
  /** Partners that are left out because of the bundle that they publish. */
  readonly refused: readonly string[];
  /** Entries of others that concern the mesh. They do not count as a difference. */
  readonly leftAlone: readonly string[];
}

export interface ReconcileOptions {
  /**
   * Reads the bundle document with which a partner introduced itself; undefined when it is not there yet.
   *
   * @throws MeshError MESH_INPUT_INVALID: reported as failed, so that one partner cannot stop the others
   */
  readonly readBundle: (file: string, trustDomain: string) => Promise<Bundle | undefined>;
  /**
   * Partners whose bundle was refused, and why. Read and added to: a partner stays left out for as long as it is here,
   * because federating with it again would only fetch the same bundle again.
   */
  readonly refused?: Map<string, string>;
  /** Takes each partner's bundle that is held and kept. */
  readonly onHeld?: (bundle: Bundle) => void;
}

type Api = Pick<
  ServerApi,
  | "entries"
  | "createEntries"
  | "updateEntries"
  | "deleteEntries"
  | "heldTrustDomains"
  | "federatedBundle"
  | "dissociateBundles"
  | "relationships"
  | "createRelationships"
  | "updateRelationships"
  | "deleteRelationships"
>;

type Notes = { [list in Exclude<keyof ReconcileReport, "trustDomain">]: string[] };

/**
 * One pass over entries and federation relationships. What can be done is done, whatever else failed.
 *
 * Order: what is no longer planned goes first, by name, so that nothing that a partner publishes can keep it there, and
 * a relationship before its bundle, or the server would fetch the bundle again. Then relationships with their bundles,
 * because an entry can only federate with a trust domain whose bundle is held. Entries are deleted last, so that no
 * workload is without an SVID in between.
 *
 * @throws MeshError MESH_SPIRE_API when the server itself does not answer
 */
export async function reconcile(
  domain: Planned,
  api: Api,
  { readBundle, refused = new Map(), onHeld }: ReconcileOptions,
): Promise<ReconcileReport> {
  const notes: Notes = { created: [], updated: [], deleted: [], pending: [], failed: [], refused: [], leftAlone: [] };
  const relationships = await api.relationships();
  const gone = unplanned(domain.relationships, relationships);
  await deleteRelationships(api, gone, notes);
  await dissociate(api, gone, notes);
  const held = await judgeBundles(domain, api, { refused, onHeld });
  const accepted = withoutPartners(domain, refused);
  const stillFetched = relationships.map(({ trustDomain }) => trustDomain).filter((name) => refused.has(name));
  await deleteRelationships(api, stillFetched, notes);

  const federation = diffRelationships({ planned: accepted.relationships, existing: relationships, held });
  const [introduced] = await Promise.all([
    applyRelationships(api, federation, { notes, readBundle }),
    dissociate(api, federation.dissociate, notes),
  ]);
  const diff = diffEntries({
    planned: accepted.entries,
    existing: await api.entries(),
    agentSpiffeId: domain.agent.spiffeId,
    held: held.difference(new Set(federation.dissociate)).union(introduced),
  });
  await writeEntries(api, diff, notes);
  await deleteEntries(api, diff.remove, notes);
  for (const [trustDomain, why] of refused) notes.refused.push(`the bundle of ${trustDomain} is refused: ${why}`);
  return { trustDomain: domain.trustDomain, ...notes };
}

/** True when nothing is left to do: neither waiting for a partner nor refused. */
export function isSettled(report: ReconcileReport): boolean {
  return report.pending.length === 0 && report.failed.length === 0;
}

/** What the pass changed, in order. Empty: everything was already so. */
export function changesOf(report: ReconcileReport): readonly string[] {
  return [...report.created, ...report.updated, ...report.deleted];
}

interface Applying {
  readonly notes: Notes;
  readonly readBundle: ReconcileOptions["readBundle"];
}

/** Returns the trust domains whose bundle is held now because they introduced themselves. */
async function applyRelationships(api: Api, diff: RelationshipDiff, applying: Applying): Promise<Set<string>> {
  const { notes } = applying;
  const [create, update] = await Promise.all([bootstrap(diff.create, applying), bootstrap(diff.update, applying)]);
  // A relationship without any bundle cannot fetch one (profile https_spiffe): the server would only log errors.
  const creatable = create.filter(({ change, bundle }) => bundle !== undefined || change.introduction === undefined);
  const updatable = update.filter(({ change, bundle }) => bundle !== undefined || change.changes.length > 0);
  const [created, updated] = await Promise.all([
    api.createRelationships(creatable.map(toRequest)),
    api.updateRelationships(updatable.map(toRequest)),
  ]);
  const introduced = new Set<string>();
  for (const [index, item] of creatable.entries()) {
    const what = `federation with ${item.change.relationship.trustDomain}`;
    if (!took(created[index], `${what} was not created`, notes)) continue;
    if (item.bundle !== undefined) introduced.add(item.change.relationship.trustDomain);
    notes.created.push(`${what} created${item.bundle === undefined ? "" : " with its introduction"}`);
  }
  for (const [index, item] of updatable.entries()) {
    const what = `federation with ${item.change.relationship.trustDomain}`;
    if (!took(updated[index], `${what} was not updated`, notes)) continue;
    if (item.bundle !== undefined) introduced.add(item.change.relationship.trustDomain);
    const bundle = item.bundle === undefined ? [] : ["bundle none → its introduction"];
    notes.updated.push(`${what} updated: ${[...item.change.changes, ...bundle].join("; ")}`);
  }
  return introduced;
}

interface Bootstrapped {
  readonly change: RelationshipChange;
  readonly bundle: Bundle | undefined;
}

/** Reads the introductions that are needed; says which are not there or not readable. */
function bootstrap(changes: readonly RelationshipChange[], { notes, readBundle }: Applying): Promise<Bootstrapped[]> {
  return Promise.all(
    changes.map(async (change) => {
      const { introduction, relationship } = change;
      if (introduction === undefined) return { change, bundle: undefined };
      const { trustDomain } = relationship;
      try {
        const bundle = await readBundle(introduction, trustDomain);
        if (bundle === undefined)
          notes.pending.push(`federation with ${trustDomain} waits for its introduction, ${introduction}`);
        return { change, bundle };
      } catch (error) {
        if (!(error instanceof MeshError)) throw error;
        const reasons = [error.message, ...error.details].join(": ");
        notes.failed.push(`federation with ${trustDomain}: ${reasons}`);
        return { change, bundle: undefined };
      }
    }),
  );
}

function toRequest({ change, bundle }: Bootstrapped): BootstrappedRelationship {
  return bundle === undefined ? change.relationship : { ...change.relationship, bundle };
}

async function deleteRelationships(api: Api, trustDomains: readonly string[], notes: Notes): Promise<void> {
  const outcomes = await api.deleteRelationships(trustDomains);
  for (const [index, trustDomain] of trustDomains.entries()) {
    if (took(outcomes[index], `federation with ${trustDomain} was not deleted`, notes))
      notes.deleted.push(`federation with ${trustDomain} deleted`);
  }
}

/**
 * Takes trust domains out of every entry, then their bundles out of the server. The mode DISSOCIATE would do both, but
 * leaves the entries' revisions as they were: agents, which fetch entries by revision, would go on handing the bundle to
 * their sidecars until they restart (docs/decisions/0010-leaving-a-partner.md).
 */
async function dissociate(api: Api, trustDomains: readonly string[], notes: Notes): Promise<void> {
  if (trustDomains.length === 0) return;
  const gone = new Set(trustDomains);
  const federated = (await api.entries()).filter((entry) => entry.federatesWith.some((name) => gone.has(name)));
  const left = await api.updateEntries(
    federated.map((entry) => ({ ...entry, federatesWith: entry.federatesWith.filter((name) => !gone.has(name)) })),
  );
  for (const [index, { id }] of federated.entries())
    took(left[index], `entry ${id} still federates with ${trustDomains.join(", ")}`, notes);
  const outcomes = await api.dissociateBundles(trustDomains);
  for (const [index, trustDomain] of trustDomains.entries()) {
    if (took(outcomes[index], `the bundle of ${trustDomain} was not deleted`, notes))
      notes.deleted.push(`bundle of ${trustDomain} deleted: its workloads are refused from now on`);
  }
}

async function writeEntries(api: Api, diff: EntryDiff, notes: Notes): Promise<void> {
  const [created, updated] = await Promise.all([
    api.createEntries(diff.create),
    api.updateEntries(diff.update.map(({ entry }) => entry)),
  ]);
  for (const [index, entry] of diff.create.entries()) {
    if (took(created[index], `entry for ${entry.spiffeId} was not created`, notes))
      notes.created.push(`entry ${entryInWords(entry)} created`);
  }
  for (const [index, { entry, changes }] of diff.update.entries()) {
    if (took(updated[index], `entry ${entry.id} was not updated`, notes))
      notes.updated.push(`entry ${entryInWords(entry)} updated: ${changes.join("; ")}`);
  }
  for (const { name, trustDomain } of diff.waiting)
    notes.pending.push(`entry of ${name} does not federate with ${trustDomain} yet: no bundle of it is held`);
  for (const entry of diff.leaveAlone)
    notes.leftAlone.push(`entry ${entryInWords(entry)} under ${entry.parentId} is not this mesh's`);
}

async function deleteEntries(api: Api, entries: readonly RegistrationEntry[], notes: Notes): Promise<void> {
  const outcomes = await api.deleteEntries(entries.map(({ id }) => id));
  for (const [index, entry] of entries.entries()) {
    if (took(outcomes[index], `entry ${entry.id} was not deleted`, notes))
      notes.deleted.push(`entry ${entryInWords(entry)} deleted`);
  }
}

/**
 * True when this pass did it. Somebody else's doing the same at the same time (the CLI's first pass and a controller's)
 * is neither done here nor failed: the next pass compares again.
 */
function took(outcome: Outcome | undefined, what: string, notes: Notes): boolean {
  if (outcome === undefined) throw new Error(`${what}: there is no outcome for it`);
  if (outcome.ok) return true;
  if (outcome.code !== "ALREADY_EXISTS" && outcome.code !== "NOT_FOUND")
    notes.failed.push(`${what}: ${outcome.code}: ${outcome.message}`);
  return false;
}
