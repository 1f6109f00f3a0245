// A typed client of one SPIRE Server over its admin socket: just the calls the mesh needs, in this project's own types.
// Every call has a deadline; a refusal is a MeshError MESH_SPIRE_API; the items of a batch are answered one by one.

import { existsSync } from "node:fs";

import { messageOf } from "../errors.ts";
import type { Bundle } from "../spiffe/bundle.ts";
import { until } from "../wait.ts";
import { batch, pages } from "./calls.ts";
import {
  isForbiddenSocket,
  isNotFound,
  isNotUpYet,
  openChannel,
  type Channel,
  type ChannelOptions,
} from "./channel.ts";
import {
  fromEntry,
  fromRelationship,
  message,
  text,
  toAgent,
  toBundle,
  toEntry,
  toRelationship,
  toX509Authority,
  toX509AuthorityState,
} from "./messages.ts";
import type {
  AttestedAgent,
  FederationRelationship,
  HeldBundle,
  Outcome,
  RegistrationEntry,
  X509Authority,
  X509AuthorityState,
} from "./server-types.ts";

export { isNotUpYet, loadServerApi, type ChannelOptions } from "./channel.ts";

/** Calls of one SPIRE Server. Lists are whole: paging is done inside. Outcomes are in the order of what was asked. */
export interface ServerApi extends AsyncDisposable {
  /** Name for messages. */
  readonly server: string;
  /** The server's own bundle. */
  readonly bundle: () => Promise<HeldBundle>;
  /** The other trust domains of which it holds a bundle, by name alone: what a partner publishes cannot stop the list. */
  readonly heldTrustDomains: () => Promise<readonly string[]>;
  /** The bundle that it holds of another trust domain; undefined: none. One that `isTooLarge` is an error. */
  readonly federatedBundle: (trustDomain: string) => Promise<HeldBundle | undefined>;
  /** Deletes them and takes their trust domains out of every entry, so that peers are refused (mode DISSOCIATE). */
  readonly dissociateBundles: (trustDomains: readonly string[]) => Promise<readonly Outcome[]>;
  readonly entries: () => Promise<readonly RegistrationEntry[]>;
  readonly createEntries: (entries: readonly RegistrationEntry[]) => Promise<readonly Outcome[]>;
  /** Writes every field of the entries with these ids. */
  readonly updateEntries: (entries: readonly RegistrationEntry[]) => Promise<readonly Outcome[]>;
  readonly deleteEntries: (ids: readonly string[]) => Promise<readonly Outcome[]>;
  readonly relationships: () => Promise<readonly FederationRelationship[]>;
  /** A bundle given here replaces the one that is held. */
  readonly createRelationships: (relationships: readonly BootstrappedRelationship[]) => Promise<readonly Outcome[]>;
  /** Writes URL and profile; a bundle given here replaces the one that is held, otherwise that stays. */
  readonly updateRelationships: (relationships: readonly BootstrappedRelationship[]) => Promise<readonly Outcome[]>;
  /** Stops fetching their bundles; what was fetched stays until `dissociateBundles`. */
  readonly deleteRelationships: (trustDomains: readonly string[]) => Promise<readonly Outcome[]>;
  /** Fetches a partner's bundle now instead of at the next poll, over the same bundle endpoint. */
  readonly refreshBundle: (trustDomain: string) => Promise<void>;
  readonly agents: () => Promise<readonly AttestedAgent[]>;
  readonly x509Authorities: () => Promise<X509AuthorityState>;
  /** Makes a new CA and publishes it in the bundle; replaces whatever was prepared or old. */
  readonly prepareX509Authority: () => Promise<X509Authority>;
  readonly activateX509Authority: (id: string) => Promise<X509Authority>;
  readonly taintX509Authority: (id: string) => Promise<X509Authority>;
  readonly revokeX509Authority: (id: string) => Promise<X509Authority>;
  readonly close: () => void;
}

export interface BootstrappedRelationship extends FederationRelationship {
  readonly bundle?: Bundle;
}

/** Opens a client; the first call dials. `isNotUpYet` tells whether the error of a call is worth another look. */
export async function connectServer(adminSocket: string, options: ChannelOptions = {}): Promise<ServerApi> {
  const channel = await openChannel(adminSocket, options);
  return {
    server: channel.server,
    ...bundleCalls(channel),
    ...entryCalls(channel),
    ...relationshipCalls(channel),
    ...authorityCalls(channel),
    agents: () => pages(channel, "agent.v1.Agent", "ListAgents", "agents", toAgent),
    close: channel.close,
    [Symbol.asyncDispose]: async () => channel.close(),
  };
}

/** SPIRE Server makes its socket first and opens it to its group then: in between nobody else may connect. */
const openingMs = 1000;

/**
 * Opens a client as soon as the server answers. The caller closes it.
 *
 * @throws MeshError MESH_TIMEOUT after `untilMs`; MESH_SPIRE_API when waiting does not help
 */
export async function connectWhenUp(
  adminSocket: string,
  options: ChannelOptions & { readonly untilMs: number; readonly signal?: AbortSignal },
): Promise<ServerApi> {
  const api = await connectServer(adminSocket, options);
  let last: string | undefined;
  let forbiddenSince: number | undefined;
  const answers = async (): Promise<boolean> => {
    // Looking at the file costs nothing; a failed dial costs a back-off.
    if (!existsSync(adminSocket)) return false;
    try {
      await api.bundle();
      return true;
    } catch (error) {
      const isForbidden = isForbiddenSocket(error);
      if (isForbidden) forbiddenSince ??= performance.now();
      const isOpening = forbiddenSince !== undefined && performance.now() - forbiddenSince < openingMs;
      if (!isNotUpYet(error) && !(isForbidden && isOpening)) throw error;
      last = messageOf(error);
      return false;
    }
  };
  try {
    await until(`${api.server} answers on its admin socket`, answers, {
      deadlineMs: options.untilMs,
      intervalMs: 5,
      signal: options.signal,
      lastSeen: () => last ?? `${adminSocket} is not there`,
    });
    return api;
  } catch (error) {
    api.close();
    throw error;
  }
}

const dissociate = 2; // BatchDeleteFederatedBundleRequest.Mode.DISSOCIATE

function bundleCalls(
  channel: Channel,
): Pick<ServerApi, "bundle" | "heldTrustDomains" | "federatedBundle" | "dissociateBundles"> {
  const service = "bundle.v1.Bundle";
  return {
    bundle: async () => toBundle(message(await channel.call(service, "GetBundle"))),
    heldTrustDomains: () =>
      pages(channel, service, "ListFederatedBundles", "bundles", (bundle) => text(bundle, "trustDomain"), {
        outputMask: {},
      }),
    federatedBundle: async (trustDomain) => {
      try {
        return toBundle(message(await channel.call(service, "GetFederatedBundle", { trustDomain })));
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    dissociateBundles: (trustDomains) =>
      batch(channel, service, "BatchDeleteFederatedBundle", trustDomains, (some) => ({
        trustDomains: some,
        mode: dissociate,
      })),
  };
}

function entryCalls(
  channel: Channel,
): Pick<ServerApi, "entries" | "createEntries" | "updateEntries" | "deleteEntries"> {
  const service = "entry.v1.Entry";
  return {
    entries: () => pages(channel, service, "ListEntries", "entries", toEntry),
    createEntries: (entries) =>
      batch(channel, service, "BatchCreateEntry", entries, (some) => ({ entries: some.map(fromEntry) })),
    updateEntries: (entries) =>
      batch(channel, service, "BatchUpdateEntry", entries, (some) => ({ entries: some.map(fromEntry) })),
    deleteEntries: (ids) => batch(channel, service, "BatchDeleteEntry", ids, (some) => ({ ids: some })),
  };
}

function relationshipCalls(
  channel: Channel,
): Pick<
  ServerApi,
  "relationships" | "createRelationships" | "updateRelationships" | "deleteRelationships" | "refreshBundle"
> {
  const service = "trustdomain.v1.TrustDomain";
  const address = { bundleEndpointUrl: true, bundleEndpointProfile: true };
  return {
    relationships: () =>
      pages(channel, service, "ListFederationRelationships", "federationRelationships", toRelationship, {
        outputMask: address,
      }),
    createRelationships: (relationships) =>
      batch(channel, service, "BatchCreateFederationRelationship", relationships, toMessages),
    updateRelationships: (relationships) =>
      batch(channel, service, "BatchUpdateFederationRelationship", relationships, (some) => ({
        ...toMessages(some),
        // A relationship without a bundle leaves the held one alone, whatever the mask says (SPIRE's sqlstore).
        inputMask: { ...address, trustDomainBundle: true },
      })),
    deleteRelationships: (trustDomains) =>
      batch(channel, service, "BatchDeleteFederationRelationship", trustDomains, (some) => ({ trustDomains: some })),
    refreshBundle: async (trustDomain) => {
      await channel.call(service, "RefreshBundle", { trustDomain });
    },
  };
}

function authorityCalls(
  channel: Channel,
): Pick<
  ServerApi,
  "x509Authorities" | "prepareX509Authority" | "activateX509Authority" | "taintX509Authority" | "revokeX509Authority"
> {
  const call = async (method: string, field: string, authorityId?: string): Promise<X509Authority> => {
    const response = message(await channel.call(service, method, authorityId === undefined ? {} : { authorityId }));
    return toX509Authority(response[field]);
  };
  const service = "localauthority.v1.LocalAuthority";
  return {
    x509Authorities: async () => toX509AuthorityState(message(await channel.call(service, "GetX509AuthorityState"))),
    prepareX509Authority: () => call("PrepareX509Authority", "preparedAuthority"),
    activateX509Authority: (id) => call("ActivateX509Authority", "activatedAuthority", id),
    taintX509Authority: (id) => call("TaintX509Authority", "taintedAuthority", id),
    revokeX509Authority: (id) => call("RevokeX509Authority", "revokedAuthority", id),
  };
}

function toMessages(relationships: readonly BootstrappedRelationship[]): object {
  return {
    federationRelationships: relationships.map((relationship) => fromRelationship(relationship, relationship.bundle)),
  };
}
