// The callee's sidecar with one of its own time limits so much shorter that a test need not wait a minute for it. A
// limit that is not there stays away: whoever takes it away is not helped.

import { parse } from "yaml";

import { readDynamicFile } from "../../../scripts/control/dynamic-files.ts";
import { type DynamicFiles, takeUp } from "../../../scripts/control/take-up.ts";
import { covers, protections } from "../../../scripts/render/protections.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { Attempt } from "../claim.ts";

/** @param limit id of a protection whose field is a duration of the listener's */
export function hurried(limit: string, attempt: Attempt, times = 60): Attempt {
  return {
    ...attempt,
    tried: `${attempt.tried} (${times} times as fast)`,
    run: async (mesh) => {
      const present = await dynamicFiles(mesh.callee);
      await mustTakeUp(mesh.callee, {
        ...present,
        "listeners.yaml": shortened(present["listeners.yaml"], { limit, times }),
      });
      try {
        return await attempt.run(mesh);
      } finally {
        await mustTakeUp(mesh.callee, present);
      }
    },
  };
}

async function dynamicFiles(sidecar: SidecarPlan): Promise<DynamicFiles> {
  const content = async (file: keyof DynamicFiles): Promise<string> => (await readDynamicFile(sidecar, file)) ?? "";
  return {
    "endpoints.yaml": await content("endpoints.yaml"),
    "policy.yaml": await content("policy.yaml"),
    "clusters.yaml": await content("clusters.yaml"),
    "listeners.yaml": await content("listeners.yaml"),
  };
}

async function mustTakeUp(sidecar: SidecarPlan, files: DynamicFiles): Promise<void> {
  const { rejection } = await takeUp(sidecar, files);
  if (rejection !== undefined) throw new Error(`Envoy refuses ${rejection.file}: ${rejection.reason ?? ""}`);
}

function shortened(listeners: string, { limit, times }: { readonly limit: string; readonly times: number }): string {
  const protection = protections.find(({ id }) => id === limit);
  if (protection === undefined) throw new Error(`there is no protection ${limit}`);
  const { resources }: { resources: readonly { name: string }[] } = parse(listeners, { logLevel: "silent" });
  const walk = (value: unknown, path: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item, path));
    if (typeof value === "string") return covers(protection, path) ? `${Number.parseFloat(value) / times}s` : value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, walk(field, [...path, key])]));
  };
  const changed = resources.map((resource) => walk(resource, [resource.name]));
  return `${JSON.stringify({ version_info: `hurried ${limit}`, resources: changed })}\n`;
}
