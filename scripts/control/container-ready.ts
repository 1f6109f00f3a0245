// Whether the process of a container is ready: by its own health check where it has one, and by what the controller of its
// trust domain sees of it.

import type { Plan, Process } from "../plan/plan.ts";
import type { ComposeProject } from "../runtime/compose-project.ts";
import { containersOf } from "../runtime/containers.ts";
import { assess } from "./assess.ts";
import { type Ask, controllerClient } from "./client.ts";

export interface LookAt {
  readonly plan: Plan;
  readonly project: ComposeProject;
  readonly ask: Ask;
}

/** Looks once. Never throws for what does not answer: then it is not ready. */
export async function isContainerReady(process: Process, { plan, project, ask }: LookAt): Promise<boolean> {
  const container = (await containersOf(project)).find(({ service }) => service === process.name);
  if (container?.state !== "running") return false;
  const { health } = container;
  if (health !== undefined && health.status !== "healthy") return false;
  return process.role === "app" || process.role === "network" || (await isSeenReady(process, plan, ask));
}

async function isSeenReady({ name, trustDomain }: Process, plan: Plan, ask: Ask): Promise<boolean> {
  const domain = plan.domains.find((one) => one.trustDomain === trustDomain);
  if (domain === undefined) return false;
  try {
    const facts = await controllerClient(domain, ask).facts({ probe: false });
    const { problems } = assess(plan, [{ trustDomain, name: domain.name, facts }], []);
    return !problems.some(({ what }) => what.includes(name));
  } catch {
    return false; // Its controller does not answer (yet): nothing is known.
  }
}
