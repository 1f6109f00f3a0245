// What the mesh of a place was brought to last, as its state folder says.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { DomainPlan, Plan } from "../../scripts/plan/plan.ts";
import { isOneShot } from "../../scripts/runtime/containers.ts";
import type { Place } from "./place.ts";

export async function planOf({ stateDir }: Pick<Place, "stateDir">): Promise<Plan> {
  const plan: Plan = JSON.parse(await readFile(join(stateDir, "plan.json"), "utf8"));
  return plan;
}

/** Names of the processes that run as long as the mesh does; containers have others, which end before. */
export async function lastingProcesses(place: Pick<Place, "stateDir">): Promise<string[]> {
  const { processes } = await planOf(place);
  return processes.filter((process) => !isOneShot(process)).map(({ name }) => name);
}

export async function domainOf(place: Pick<Place, "stateDir">, trustDomain: string): Promise<DomainPlan> {
  const domain = (await planOf(place)).domains.find((one) => one.trustDomain === trustDomain);
  if (domain === undefined) throw new Error(`the plan has no trust domain ${trustDomain}`);
  return domain;
}
