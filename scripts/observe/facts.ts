// What is known about one trust domain, as its controller saw it. Facts, not guesses: an absent field is unknown, and
// a reason says why where there is one. Plain JSON; its published schema is docs/schemas/status.json.

import type { DynamicFileName } from "../render/dynamic.ts";

/** Version of this shape. A controller of another version is told apart by it and must be restarted. */
export const factsVersion = 1;

/** Instants are ISO 8601 in UTC; ages and what is left of a lifetime are whole seconds, counted at `at`. */
export interface DomainFacts {
  readonly version: typeof factsVersion;
  readonly trustDomain: string;
  readonly name: string;
  /** When the controller looked. */
  readonly at: string;
  readonly server: ServerFacts;
  readonly agent: AgentFacts;
  readonly controller: ControllerFacts;
  /** One per trust domain that this one federates with, in the plan's order. */
  readonly partners: readonly PartnerFacts[];
  readonly sidecars: readonly SidecarFacts[];
  /** The edges whose caller is a workload of this trust domain. */
  readonly edges: readonly EdgeFacts[];
}

/** `down`: no answer; `live`: it runs and is not ready yet; `ready`: it serves. */
export interface Health {
  readonly state: "ready" | "live" | "down";
  /** Why it is not ready, as far as it says. */
  readonly reason?: string;
}

export interface ServerFacts {
  readonly process: string;
  readonly health: Health;
  readonly spiffeId: string;
  /** The trust domain's own bundle: what partners must hold. */
  readonly bundle?: BundleFacts;
  /** Since when the controller sees exactly this bundle. */
  readonly bundleSince?: string;
}

export interface BundleFacts {
  /** SHA-256 over the X.509 authorities, order aside: equal digests are equal trust. Lower-case hex. */
  readonly digest: string;
  readonly sequence?: number;
  readonly refreshHintSeconds?: number;
  readonly x509Authorities?: number;
}

export interface AgentFacts {
  readonly process: string;
  readonly health: Health;
  readonly spiffeId: string;
  /** False: the server does not know the agent, i.e. it has not attested since the server's data was made. */
  readonly attested?: boolean;
  readonly svid?: SvidFacts;
}

export interface SvidFacts {
  readonly spiffeId: string;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** Absent where only the end of its life is known. */
  readonly notBefore?: string;
  readonly notAfter: string;
  readonly secondsLeft: number;
}

export interface ControllerFacts {
  readonly process: string;
  readonly pid: number;
  readonly startedAt: string;
  /** The last round that ended well: entries and relationships are as planned. */
  readonly reconciledAt?: string;
  /** Why the last round did not. */
  readonly reason?: string;
}

export interface PartnerFacts {
  readonly trustDomain: string;
  /** Absent: no bundle of this partner is held, or the server did not say. */
  readonly bundle?: BundleFacts;
  /** Since when this controller sees exactly this bundle; the bundle may be older than the controller. */
  readonly heldSince?: string;
  readonly heldSeconds?: number;
  /** Why there is no bundle, when known. */
  readonly reason?: string;
}

export interface SidecarFacts {
  readonly workload: string;
  readonly process: string;
  readonly spiffeId: string;
  /** `down`: its admin socket does not answer; `ready`: it holds its own SVID and its peers' bundles. */
  readonly health: Health;
  /** Found by the full SPIFFE ID; absent: the sidecar does not hold it. */
  readonly svid?: SvidFacts & {
    /** When the sidecar took it. */
    readonly loadedAt: string;
    /** How often the controller saw it replaced, since `rotationsSince`. */
    readonly rotations: number;
    readonly rotationsSince: string;
  };
  /** The validation contexts that it asks its agent for: its callers' first, then its callees'. */
  readonly bundles: readonly ValidationFacts[];
  /** The dynamic files that it reads. */
  readonly configuration: readonly ConfigurationFacts[];
  /** Absent: nobody calls this workload, or the sidecar does not answer. */
  readonly inbound?: InboundCounters;
}

export interface ValidationFacts {
  /** The SDS resource: `ALL`, `ROOTCA` or a trust domain's SPIFFE ID. */
  readonly context: string;
  /** Whose certificates it verifies, and with which bundle; empty: not loaded. */
  readonly trustDomains: readonly { readonly trustDomain: string; readonly digest: string }[];
}

export interface ConfigurationFacts {
  readonly file: DynamicFileName;
  /** `version_info` that Envoy serves from; absent: none accepted yet. */
  readonly version?: string;
  /** `behind`: Envoy has not taken up the version that the controller wrote. */
  readonly state: "in-sync" | "behind" | "rejected";
  /** Envoy's own words for a rejection. */
  readonly reason?: string;
}

/** Counters since the sidecar started. */
export interface InboundCounters {
  readonly handshakes: number;
  readonly requests: number;
  readonly refused: {
    /** `ssl.fail_verify_no_cert`. */
    readonly noCertificate: number;
    /** `ssl.fail_verify_error`: no chain to a bundle of the SPIFFE ID's trust domain. */
    readonly verification: number;
    /** `ssl.fail_verify_san`: a valid SVID of somebody else. */
    readonly spiffeId: number;
    /** `ssl.connection_error`: not TLS 1.3, not TLS at all. */
    readonly connection: number;
    /** `rbac.denied`: the caller may not use that rule. */
    readonly rule: number;
  };
}

export interface EdgeFacts {
  readonly caller: EdgeEnd;
  readonly callee: EdgeEnd;
  readonly probe: EdgeProbe;
  /** Of the caller's sidecar, since it started; absent: it does not answer. */
  readonly counters?: OutboundCounters;
}

export interface EdgeEnd {
  readonly workload: string;
  readonly trustDomain: string;
  readonly spiffeId: string;
}

/** What one GET through the caller's outbound socket met. */
export type EdgeProbe =
  | { readonly kind: "answered"; readonly path: string; readonly status: number; readonly ms: number }
  /** `reason` is a sentence that names what failed and where. */
  | { readonly kind: "failed"; readonly path: string; readonly reason: string; readonly status?: number }
  /** The edge declares no GET without `*`, or nobody asked for probes. */
  | { readonly kind: "not-probed" };

/** Counters since the sidecar started. */
export interface OutboundCounters {
  readonly requests: number;
  readonly responses2xx: number;
  readonly responses5xx: number;
  readonly handshakes: number;
  readonly connectFailures: number;
  /** `ssl.fail_verify_error` and `ssl.fail_verify_san` of the callee's certificate. */
  readonly refused: number;
}
