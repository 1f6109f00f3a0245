// The plan file of a controller: what it works on, also after a restart. Written whole or not at all.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { swappedPlanName } from "../plan/layout.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { writeWhole } from "../whole-file.ts";

/** The plan of a swap that lasts, which lies beside the one of mesh.yaml in containers, comes before that. */
async function readPlanText(file: string): Promise<string> {
  try {
    return await readFile(join(dirname(file), swappedPlanName), "utf8");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return readFile(file, "utf8");
  }
}

/**
 * Reads a plan. One that was rendered for containers names the subnet by the variable MESH_SUBNET.
 *
 * @throws MeshError MESH_INPUT_INVALID
 */
export async function readPlan(file: string): Promise<Plan> {
  try {
    const text = await readPlanText(file);
    const { MESH_SUBNET: subnet } = process.env;
    const plan: Plan = JSON.parse(subnet === undefined ? text : text.replaceAll("${MESH_SUBNET}", subnet));
    return plan;
  } catch (error) {
    throw new MeshError("MESH_INPUT_INVALID", `the plan ${file} cannot be read: ${messageOf(error)}`, {
      // A container's user is another than the clone's.
      fix: systemErrorCode(error) === "EACCES" ? "chmod -R a+rX spire envoy" : "./mesh up",
      cause: error,
    });
  }
}

export async function writePlan(file: string, plan: Plan): Promise<void> {
  await writeWhole(file, `${JSON.stringify(plan)}\n`, { mode: 0o640 });
}

/** @throws MeshError MESH_INPUT_INVALID */
export function domainOf(plan: Plan, trustDomain: string): DomainPlan {
  const domain = plan.domains.find((candidate) => candidate.trustDomain === trustDomain);
  if (domain !== undefined) return domain;
  throw new MeshError("MESH_INPUT_INVALID", `the plan has no trust domain ${trustDomain}`, { fix: "./mesh up" });
}
