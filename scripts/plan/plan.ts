// The Plan: one list of processes with their files, sockets, addresses and order, plus identities and edges.
// Compose services, the native supervisor, systemd units and Kubernetes are renderings of it. Plain JSON: it can be
// stored, compared and sent to a controller.

import type { HostPort, Rule } from "../model/mesh.ts";
import type { SlotNumber } from "./slots.ts";

export interface Plan {
  readonly runtime: "native" | "docker";
  readonly domains: readonly DomainPlan[];
  readonly processes: readonly Process[];
  /** Folders to be made before the first process starts, parents first. */
  readonly folders: readonly Folder[];
  readonly edges: readonly EdgePlan[];
  /** On docker: its networks. Natively there is the machine's. */
  readonly networks?: readonly Network[];
}

/** A process, the same everywhere under one name. */
export interface Process {
  readonly name: string;
  readonly role: Role;
  /** `broker.example`. */
  readonly trustDomain: string;
  /** The workload of an app or sidecar. */
  readonly workload?: string;
  readonly user: User;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** On docker: an image off the shelf, run as it is; `command` is empty then. */
  readonly image?: string;
  /** Run once before the process, as its user, in workingDir. */
  readonly build?: readonly string[];
  /** Names of the static files it reads at start (see RenderedFile.path): when one changes, the process restarts. */
  readonly files: readonly string[];
  /** Unix sockets it makes; what a crash left of them is removed before it starts. */
  readonly sockets: readonly string[];
  /** Listening addresses; must be free before the first start. */
  readonly listens: readonly HostPort[];
  readonly after: readonly { readonly process: string; readonly until: "started" | "ready" | "completed" }[];
  /** Absent: a one-shot, which ends with status 0 when it has done its work, or one that has nothing to show. */
  readonly ready?: Probe;
}

/**
 * On docker only: `keys` and `bootstrap` are one-shots, whose work `./mesh up` does natively; `network` holds the network
 * namespace that a sidecar shares with an app that can only do TCP; `contract` asks an app what the app contract asks,
 * while a swap is under way.
 */
export type Role =
  | "spire-server"
  | "spire-agent"
  | "controller"
  | "sidecar"
  | "app"
  | "keys"
  | "bootstrap"
  | "network"
  | "contract";

/** Numeric ids: no accounts are made. When the mesh runs as an ordinary user every process has that user's. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** How readiness is proven; never "a port is open". */
export type Probe =
  | { readonly kind: "http"; readonly address: HostPort; readonly path: string }
  | { readonly kind: "http-unix"; readonly socket: string; readonly path: string }
  | { readonly kind: "sidecar"; readonly adminSocket: string; readonly secrets: readonly string[] };

export interface Folder {
  readonly path: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Octal, e.g. 0o2750. */
  readonly mode: number;
  /** What lies there outlives `stop`: SPIRE Server's own data. */
  readonly durable: boolean;
  /** On docker: the processes that have it at all. What natively owner, group and mode do, there does the mount. */
  readonly mounts?: Readonly<Record<string, "read" | "write">>;
}

/** A container network, and who is on it with which address. */
export interface Network {
  readonly name: string;
  /** `federation` lies between trust domains; `page` is one sidecar's way to the host, for what it publishes. */
  readonly kind: "trust-domain" | "federation" | "page";
  /** In CIDR notation. */
  readonly subnet: string;
  /** Address by process. */
  readonly members: Readonly<Record<string, string>>;
}

/** Everything one controller needs for its trust domain. */
export interface DomainPlan {
  readonly trustDomain: string;
  readonly name: string;
  readonly ttl: { readonly caSeconds: number; readonly x509SvidSeconds: number };
  readonly server: {
    readonly process: string;
    readonly api: HostPort;
    readonly adminSocket: string;
    readonly health: HostPort;
    readonly dataDir: string;
    readonly spiffeId: string;
    /** PEM certificates whose holders may attest as agents (x509pop `ca_bundle_path`). */
    readonly agentCaBundle: string;
    readonly bundleEndpoint: HostPort & {
      readonly url: string;
      readonly spiffeId: string;
      readonly profile: "https_spiffe";
    };
  };
  readonly agent: {
    readonly process: string;
    readonly socket: string;
    readonly health: HostPort;
    readonly dataDir: string;
    /** `spiffe://TD/spire/agent/x509pop/<common name>`. */
    readonly spiffeId: string;
    /** Common name of the x509pop certificate. */
    readonly commonName: string;
    readonly certificate: string;
    readonly privateKey: string;
    /** PEM of the server's own bundle, for the first connection. */
    readonly trustBundle: string;
  };
  readonly controller: { readonly process: string; readonly socket: string; readonly planFile: string };
  /** SPIFFE bundle document this domain's bootstrap publishes for its partners. */
  readonly bundleFile: string;
  readonly entries: readonly StaticEntry[];
  readonly relationships: readonly FederatedTrustDomain[];
  readonly sidecars: readonly SidecarPlan[];
}

/** Spec of SPIRE's kind ClusterStaticEntry (spire.spiffe.io/v1alpha1), plus the object's name. */
export interface StaticEntry {
  readonly name: string;
  readonly spiffeID: string;
  readonly parentID: string;
  /** `unix:uid:70005`. */
  readonly selectors: readonly string[];
  /** Bare trust domains. */
  readonly federatesWith: readonly string[];
  readonly x509SVIDTTLSeconds: number;
}

/** Spec of SPIRE's kind ClusterFederatedTrustDomain, plus the object's name. */
export interface FederatedTrustDomain {
  readonly name: string;
  readonly trustDomain: string;
  readonly bundleEndpointURL: string;
  readonly bundleEndpointProfile: { readonly type: "https_spiffe"; readonly endpointSPIFFEID: string };
  /** The partner's bundle document as it introduced itself; used only while no bundle is held. */
  readonly bootstrapBundleFile: string;
}

/**
 * SDS resource that validates a peer (SPIRE Agent, SDS): every bundle the workload federates with, for callers that may
 * come from several trust domains; the own trust domain's; or exactly one partner's, for a callee.
 */
export type ValidationContext = "ALL" | "ROOTCA" | `spiffe://${string}`;

export interface SidecarPlan {
  readonly workload: string;
  readonly process: string;
  readonly trustDomain: string;
  readonly spiffeId: string;
  readonly agentSocket: string;
  readonly adminSocket: string;
  /** See adminSocketMode in plan/sidecars.ts. */
  readonly adminSocketMode: number;
  readonly accessLog: string;
  /** Static bootstrap. */
  readonly bootstrapFile: string;
  /** The four dynamic files lie here and nothing else; only the controller writes there. */
  readonly dynamicDir: string;
  /** Where its app is: one, or two while a swap is under way. */
  readonly apps: readonly [AppEndpoint, ...AppEndpoint[]];
  /** Present when somebody calls this workload. */
  readonly inbound?: {
    readonly address: HostPort;
    readonly validationContext: ValidationContext;
    readonly callers: readonly {
      readonly workload: string;
      readonly spiffeId: string;
      readonly rules: readonly Rule[];
    }[];
  };
  readonly outbound: readonly Outbound[];
  /** Where people reach its page; `listen`: where the sidecar listens for that, when it is not the same address. */
  readonly published?: HostPort & { readonly listen?: HostPort };
  /** Longest life of a connection in seconds: as callee, and (shorter) as caller. */
  readonly maxConnectionSeconds: { readonly inbound: number; readonly outbound: number };
}

export interface AppEndpoint {
  readonly slot: SlotNumber;
  /** See Slot. */
  readonly weight: number;
  readonly address: { readonly socket: string } | HostPort;
  readonly health: string;
}

export interface Outbound {
  readonly callee: string;
  /** Unix socket the app calls. */
  readonly socket: string;
  readonly address: HostPort;
  readonly spiffeId: string;
  readonly validationContext: ValidationContext;
  readonly timeoutMs: number;
}

export interface EdgePlan {
  readonly caller: { readonly workload: string; readonly trustDomain: string; readonly spiffeId: string };
  readonly callee: { readonly workload: string; readonly trustDomain: string; readonly spiffeId: string };
  readonly socket: string;
  /** First declared GET without `*`; absent: the edge is not probed. */
  readonly probePath?: string;
}

/** A file the plan stands for. `dynamic` ones are written by the controller and watched by Envoy. */
export interface RenderedFile {
  readonly path: string;
  readonly process: string;
  readonly dynamic: boolean;
  readonly mode: number;
  readonly content: string;
}

/** What `plan(mesh, host)` must know of the machine; read once by runtime/host.ts. */
export interface Host {
  readonly runtime: "native" | "docker";
  /** Where the checkout can be read by every process's user. */
  readonly repositoryDir: string;
  /** Per app's process: the copy of its `workingDir` that it runs in, where it cannot run in the checkout (runtime/stage.ts). */
  readonly appDirs?: Readonly<Record<string, string>>;
  /** Durable data. */
  readonly dataDir: string;
  /** Sockets and dynamic files. */
  readonly runDir: string;
  /** On docker: `spire/` and `envoy/` of the checkout, read-only. Natively configuration is rendered into `runDir`. */
  readonly configDir?: string;
  /** On docker: agents' keys, which must outlive the container that makes them. Natively they lie in `runDir`. */
  readonly keyDir?: string;
  readonly logDir: string;
  readonly tools: {
    readonly spireServer: string;
    readonly spireAgent: string;
    readonly envoy: string;
    readonly node: string;
  };
  /** Per trust domain: the address of its SPIRE Server, agent and sidecars. */
  readonly addresses: Readonly<Record<string, string>>;
  /** On docker each process has addresses of its own, in the networks it joins. */
  readonly networks?: readonly Network[];
  /** Per workload: the port of its sidecar's inbound listener. Kept while the mesh lives. */
  readonly inboundPorts: Readonly<Record<string, number>>;
  /** First numeric id of this mesh's block, when each process has its own user; absent: everything runs as `self`. */
  readonly users:
    | { readonly first: number; readonly assigned: Readonly<Record<string, number>> }
    | { readonly self: { readonly uid: number; readonly gid: number } };
}
