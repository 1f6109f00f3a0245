// What `./mesh status` knows: the facts of every trust domain, joined. Plain JSON; its published schema is
// docs/schemas/status.json.

import type { DomainFacts } from "../observe/facts.ts";

/** Version of this shape. */
export const statusVersion = 1;

export interface StatusReport {
  readonly version: typeof statusVersion;
  /** True when there is no problem. */
  readonly ready: boolean;
  /** What stands in the way, causes before what they cause. */
  readonly problems: readonly Problem[];
  /** Workloads that an operator's swap gave another app than mesh.yaml's; absent: there is none. */
  readonly swapped?: readonly Swapped[];
  readonly trustDomains: readonly DomainStatus[];
  /** One per trust domain and partner. */
  readonly bundles: readonly BundleStatus[];
}

export interface Problem {
  /** A sentence without a full stop. */
  readonly what: string;
  /** The command that mends it, or tells more. */
  readonly fix: string;
}

export interface Swapped {
  readonly workload: string;
  /** The app that serves, in words. */
  readonly app: string;
  /** The command that returns to what mesh.yaml says. */
  readonly back: string;
}

export interface DomainStatus {
  readonly trustDomain: string;
  readonly name: string;
  /** Absent: its controller does not answer, so nothing is known. */
  readonly facts?: DomainFacts;
  /** Why nothing is known. */
  readonly reason?: string;
}

/** The bundle that one trust domain holds of another, compared with that one's own by digest. */
export interface BundleStatus {
  readonly holder: string;
  readonly of: string;
  /** `older`: the partner has another one by now. `unknown`: one of the two sides does not answer. */
  readonly state: "current" | "older" | "missing" | "unknown";
  readonly heldSeconds?: number;
  /** For how long the partner has had a newer one. */
  readonly behindSeconds?: number;
  readonly reason?: string;
}
