// What an attack needs of a mesh that serves: what its plan says, and what the sidecars of one of its edges say of themselves. A
// private mesh has all of it, and more. Opening one: open-live.ts.

import type { Ask } from "../../../scripts/control/client.ts";
import type { Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { Runtime } from "../../../scripts/runtime/runtime.ts";
import type { Attackers } from "./attackers.ts";
import type { Authority } from "./authority.ts";
import type { Network } from "./network.ts";
import type { SidecarWitness } from "./sidecar-witness.ts";

export interface LiveMesh {
  readonly plan: Plan;
  readonly runtime: Pick<Runtime, "list" | "logs">;
  /** Asks over a Unix socket that a process has; the sockets of sidecars are their controller's to ask. */
  readonly ask: Ask;
  /** From where attacks over the network start. */
  readonly network: Network;
  readonly edge: Edge;
  /** Federated with nobody. */
  readonly unknown: Authority;
  /** Other users of the machine. */
  readonly attackers: Attackers;
  readonly callee: SidecarPlan & { readonly witness: SidecarWitness };
  readonly caller: SidecarPlan & { readonly witness: SidecarWitness };
}

export interface Edge {
  readonly caller: string;
  readonly callee: string;
  /** The first GET without `*`. */
  readonly path: string;
}
