// One trust domain's plan and a SPIRE Server in memory that keeps SPIRE's rules as far as reconciling meets them.

import type { DomainPlan, FederatedTrustDomain, StaticEntry } from "../../../scripts/plan/plan.ts";
import type { Bundle } from "../../../scripts/spiffe/bundle.ts";
import type { BootstrappedRelationship, ServerApi } from "../../../scripts/trust/server-api.ts";
import type { FederationRelationship, Outcome, RegistrationEntry } from "../../../scripts/trust/server-types.ts";

export const agentSpiffeId = "spiffe://broker.example/spire/agent/x509pop/spire-agent-broker";

export function planned(name: string, more: Partial<StaticEntry> = {}): StaticEntry {
  return {
    name,
    spiffeID: `spiffe://broker.example/${name}`,
    parentID: agentSpiffeId,
    selectors: ["unix:uid:70005"],
    federatesWith: [],
    x509SVIDTTLSeconds: 3600,
    ...more,
  };
}

export function entry(id: string, more: Partial<RegistrationEntry> = {}): RegistrationEntry {
  return {
    id,
    spiffeId: `spiffe://broker.example/${id.replace("mesh.", "")}`,
    parentId: agentSpiffeId,
    selectors: ["unix:uid:70005"],
    federatesWith: [],
    x509SvidTtlSeconds: 3600,
    jwtSvidTtlSeconds: 0,
    admin: false,
    downstream: false,
    storeSvid: false,
    dnsNames: [],
    hint: "",
    expiresAt: 0,
    ...more,
  };
}

export function partner(trustDomain: string, more: Partial<FederatedTrustDomain> = {}): FederatedTrustDomain {
  return {
    name: trustDomain,
    trustDomain,
    bundleEndpointURL: `https://${trustDomain}:8443`,
    bundleEndpointProfile: { type: "https_spiffe", endpointSPIFFEID: `spiffe://${trustDomain}/spire/server` },
    bootstrapBundleFile: `/introductions/${trustDomain}.json`,
    ...more,
  };
}

export function relationship(trustDomain: string, more: Partial<FederationRelationship> = {}): FederationRelationship {
  return {
    trustDomain,
    bundleEndpointUrl: `https://${trustDomain}:8443`,
    profile: { type: "https_spiffe", endpointSpiffeId: `spiffe://${trustDomain}/spire/server` },
    ...more,
  };
}

/** A CA certificate of an elliptic curve; its key is nobody's. */
export const authority = Buffer.from(
  "MIIBeDCCAR+gAwIBAgIUWer1XVYcyyFAG/xidDbH4nzptA0wCgYIKoZIzj0EAwIwETEPMA0GA1UECgwGU1BJRkZFMCAXDTI2MTEyNTAwMTYyNloYDzIxMjYxMTAxMDAxNjI2WjARMQ8wDQYDVQQKDAZTUElGRkUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQBI5NuXAl5ZeTNVTxyR1eORNjoK+2pVb/iHmCbnKfwzKGzgLqW4R24jcsXpiza9E7rlFKXq6uy0DTnleyHBnzko1MwUTAdBgNVHQ4EFgQUK4lkzFGvHVbxSmkhPt0aFL6caPswHwYDVR0jBBgwFoAUK4lkzFGvHVbxSmkhPt0aFL6caPswDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBY3T5nLfRHVnz0a07uOMup/DHkQCmNhHwXs/A1b9j5AAIgajRBCay3yS/7VMWcw+zeoNXzrneWVyfbIEnRFSbNcYw=",
  "base64",
);

export function bundleOf(trustDomain: string, sequence = 1): Bundle {
  return { trustDomain, x509Authorities: [authority], jwtAuthorities: [], sequence };
}

type Domain = Pick<DomainPlan, "trustDomain" | "entries" | "relationships" | "agent">;

export function domainPlan(entries: readonly StaticEntry[], relationships: readonly FederatedTrustDomain[]): Domain {
  return {
    trustDomain: "broker.example",
    entries,
    relationships,
    agent: {
      process: "spire-agent-broker",
      socket: "",
      health: { host: "127.0.0.1", port: 1 },
      dataDir: "",
      spiffeId: agentSpiffeId,
      commonName: "",
      certificate: "",
      privateKey: "",
      trustBundle: "",
    },
  };
}

interface ServerState {
  readonly entries?: readonly RegistrationEntry[];
  readonly relationships?: readonly FederationRelationship[];
  readonly bundles?: readonly Bundle[];
}

const ok: Outcome = { ok: true };
const refuse = (code: string, message: string): Outcome => ({ ok: false, code, message });

/** Calls that change something are kept in `calls`, empty batches left out as the real client does. */
export function serverInMemory(state: ServerState = {}) {
  const entries = new Map((state.entries ?? []).map((item) => [item.id, item]));
  const relationships = new Map((state.relationships ?? []).map((item) => [item.trustDomain, item]));
  const bundles = new Map((state.bundles ?? []).map((item) => [item.trustDomain, item]));
  const calls: string[] = [];
  const batch = async <T>(
    call: string,
    items: readonly T[],
    each: (item: T) => Outcome,
  ): Promise<readonly Outcome[]> => {
    if (items.length > 0) calls.push(call);
    return items.map(each);
  };
  const withoutBundle = ({ federatesWith }: RegistrationEntry): string | undefined =>
    federatesWith.find((trustDomain) => !bundles.has(trustDomain));
  const writeEntry = (item: RegistrationEntry): Outcome => {
    const missing = withoutBundle(item);
    if (missing !== undefined) return refuse("INTERNAL", `unable to find federated bundle "${missing}"`);
    const id = item.id === "" ? `generated-${entries.size}` : item.id;
    entries.set(id, { ...item, id });
    return ok;
  };
  const writeRelationship = ({ bundle, ...item }: BootstrappedRelationship): Outcome => {
    if (bundle !== undefined) bundles.set(item.trustDomain, bundle);
    relationships.set(item.trustDomain, item);
    return ok;
  };
  const api = {
    entries: async () => [...entries.values()],
    relationships: async () => [...relationships.values()],
    heldTrustDomains: async () => [...bundles.keys()],
    federatedBundle: async (trustDomain) => {
      const item = bundles.get(trustDomain);
      return item === undefined ? undefined : { ...item, taintedX509Authorities: [] };
    },
    createEntries: (items) =>
      batch("createEntries", items, (item) => {
        const similar = [...entries.values()].some(
          ({ spiffeId, selectors }) => spiffeId === item.spiffeId && selectors.join() === item.selectors.join(),
        );
        return similar ? refuse("ALREADY_EXISTS", "similar entry already exists") : writeEntry(item);
      }),
    updateEntries: (items) =>
      batch("updateEntries", items, (item) =>
        entries.has(item.id) ? writeEntry(item) : refuse("NOT_FOUND", "entry not found"),
      ),
    deleteEntries: (ids) =>
      batch("deleteEntries", ids, (id) => (entries.delete(id) ? ok : refuse("NOT_FOUND", "entry not found"))),
    createRelationships: (items) => batch("createRelationships", items, writeRelationship),
    updateRelationships: (items) => batch("updateRelationships", items, writeRelationship),
    deleteRelationships: (trustDomains) =>
      batch("deleteRelationships", trustDomains, (trustDomain) =>
        relationships.delete(trustDomain) ? ok : refuse("NOT_FOUND", "federation relationship not found"),
      ),
    dissociateBundles: (trustDomains) =>
      batch("dissociateBundles", trustDomains, (trustDomain) => {
        if (!bundles.delete(trustDomain)) return refuse("NOT_FOUND", "bundle not found");
        for (const [id, item] of entries)
          entries.set(id, { ...item, federatesWith: item.federatesWith.filter((name) => name !== trustDomain) });
        return ok;
      }),
  } satisfies Partial<ServerApi>;
  return { api, calls, entries, relationships, bundles };
}
