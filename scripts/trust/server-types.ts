// What SPIRE Server knows, in this project's own types. trust/messages.ts converts from and to the wire.

import type { Bundle } from "../spiffe/bundle.ts";

/** Who may get which SVID. `selectors` are `type:value`, e.g. `unix:uid:70005`. */
export interface RegistrationEntry {
  /** Empty when the server is to choose one. */
  readonly id: string;
  readonly spiffeId: string;
  readonly parentId: string;
  readonly selectors: readonly string[];
  /** Bare trust domains. */
  readonly federatesWith: readonly string[];
  /** 0: the server's default. */
  readonly x509SvidTtlSeconds: number;
  readonly jwtSvidTtlSeconds: number;
  /** Whoever holds this SVID may call the server's admin API. */
  readonly admin: boolean;
  /** Whoever holds this SVID may have CA certificates signed. */
  readonly downstream: boolean;
  readonly storeSvid: boolean;
  readonly dnsNames: readonly string[];
  readonly hint: string;
  /** Seconds since the epoch; 0: never. */
  readonly expiresAt: number;
}

/** Whose bundle this server fetches, from where, and how that endpoint proves itself. */
export interface FederationRelationship {
  readonly trustDomain: string;
  readonly bundleEndpointUrl: string;
  readonly profile: BundleEndpointProfile;
}

export type BundleEndpointProfile =
  | { readonly type: "https_spiffe"; readonly endpointSpiffeId: string }
  | { readonly type: "https_web" };

/** An agent that has attested. */
export interface AttestedAgent {
  readonly spiffeId: string;
  readonly attestationType: string;
  /** Serial number of its SVID: lower-case hex without leading zeros. */
  readonly serial: string;
  /** When its SVID expires, in seconds since the epoch. */
  readonly expiresAt: number;
  readonly banned: boolean;
  readonly canReattest: boolean;
  /** Empty when the agent did not say. */
  readonly version: string;
}

/** One X.509 CA of the server itself. */
export interface X509Authority {
  /** The CA certificate's subject key identifier, in hex. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface X509AuthorityState {
  /** It signs now. */
  readonly active: X509Authority;
  /** It is in the bundle and signs nothing yet. */
  readonly prepared?: X509Authority;
  /** It signed before; SVIDs of it may still be in use. */
  readonly old?: X509Authority;
}

/** What became of one item of a batch. `code` is a gRPC status by name, e.g. `ALREADY_EXISTS`. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** The bundle of a server, with what only its own API tells. */
export interface HeldBundle extends Bundle {
  /** Indexes of `x509Authorities` that were tainted: still in the bundle, no longer to be trusted for new SVIDs. */
  readonly taintedX509Authorities: readonly number[];
}
