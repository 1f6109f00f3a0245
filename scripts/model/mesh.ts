// The model: what mesh.yaml means, after parsing and every rule. Plain data; later stages trust it.

import type { SpiffeId } from "../spiffe/spiffe-id.ts";

/** Everything a person wrote about the mesh, checked. Orders are the file's. */
export interface Mesh {
  readonly trustDomains: readonly TrustDomain[];
  readonly workloads: readonly Workload[];
  readonly edges: readonly Edge[];
}

export interface TrustDomain {
  /** `broker.example`, without scheme. */
  readonly domain: string;
  /** Part of process names: the domain's first label unless given. */
  readonly name: string;
  /** Trust domains whose bundles this one fetches. */
  readonly federatesWith: readonly string[];
  readonly ttl: { readonly caSeconds: number; readonly x509SvidSeconds: number };
}

export interface Workload {
  readonly name: string;
  readonly spiffeId: SpiffeId;
  readonly app: App;
  /** A plain-HTTP listener of the sidecar on the host. */
  readonly publish?: HostPort;
}

/** How the app is run: exactly one of three kinds. */
export type App =
  /** Watched, it is started again at every edit: by `./mesh dev`, never by mesh.yaml. */
  (
    | { readonly kind: "node"; readonly entry: string; readonly watch?: true }
    | { readonly kind: "command"; readonly command: readonly string[] }
    /** Off the shelf, as the image says; on docker only. */
    | { readonly kind: "image"; readonly image: string }
  ) & {
    /** Relative to the repository. */
    readonly workingDir?: string;
    /** Run once before the app starts, in workingDir. */
    readonly build?: readonly string[];
    /** Where a TCP-only app listens; absent: the app gets a Unix socket in LISTEN. */
    readonly listen?: HostPort;
    /** Path of the health route; `/health` unless given. */
    readonly health: string;
    /** Path of an OpenAPI file. */
    readonly contract?: string;
  };

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A caller may use these rules of a callee. It exists because the caller declares it. */
export interface Edge {
  readonly caller: string;
  readonly callee: string;
  readonly rules: readonly Rule[];
  /** For the whole answer, in milliseconds; 0: no limit, only that it does not stand still (render/listeners.ts). */
  readonly timeoutMs: number;
}

/** `METHOD PATH`: method `*` for any; a path ending in `/*` covers everything below. */
export interface Rule {
  readonly method: string;
  readonly path: string;
}
