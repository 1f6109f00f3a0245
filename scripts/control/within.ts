// How a swap asks what lies inside a mesh, wherever that is: on this machine (candidate.ts), or in containers
// (within-containers.ts).

import type { Verdict } from "../contract/verdict.ts";
import type { MeshError } from "../errors.ts";
import type { Admin } from "../observe/envoy-admin.ts";
import type { DomainPlan, Plan, Process, SidecarPlan } from "../plan/plan.ts";
import type { WaitOptions } from "../wait.ts";
import type { CandidateAt } from "./candidate.ts";
import type { Ask } from "./client.ts";

export interface Within {
  /** How its controllers are asked; over their sockets on this machine unless given. */
  readonly ask?: Ask;
  /** What the controller of a trust domain is told of a plan. */
  readonly part: (plan: Plan, domain: DomainPlan) => Plan;
  readonly admin: (domain: DomainPlan, sidecar: SidecarPlan) => Admin;
  /** Ends when an app has answered on its health route. @throws MeshError MESH_TIMEOUT */
  readonly untilReady: (process: Process, options: WaitOptions) => Promise<void>;
  /** Where an app's log goes with it: the error with what it said last. */
  readonly lastWords?: (error: MeshError, process: Process) => Promise<MeshError>;
  /** What the contract asks, asked of an app that runs. */
  readonly checkContract: (process: Process, at: CandidateAt) => Promise<readonly Verdict[]>;
}
