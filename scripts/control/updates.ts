// The controller's record of what it asked its sidecars to take up: which versions the plan wants, what was rejected,
// and how many of Envoy's counted rejections are past. Keeps an update that was rejected from being tried for ever.

import { observeSidecar, type SidecarObservation } from "../observe/envoy.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import { dynamicFileNames, renderDynamic, type DynamicFileName } from "../render/dynamic.ts";
import { versionInfo } from "../render/yaml.ts";
import { bindFailure, takenAddress, takeUp, type DynamicFiles, type Rejection, type TakenUp } from "./take-up.ts";

export type Versions = Readonly<Record<DynamicFileName, string>>;

export interface SidecarUpdates {
  /** `version_info` of each file as the plan wants it. */
  readonly versions: (sidecar: SidecarPlan) => Versions;
  /** Why the sidecar serves an older configuration than the plan wants; undefined when it was not rejected. */
  readonly rejection: (sidecar: SidecarPlan) => Rejection | undefined;
  /** Rejections of a file that Envoy counted before it accepted the present one; undefined while that is not settled. */
  readonly pastRejections: (sidecar: SidecarPlan, file: DynamicFileName) => number | undefined;
  /**
   * Has the sidecar take up what the plan wants, unless it rejected just that before. `insist`: a command asks, so it
   * is tried again. So is, every time, an address that was taken: whoever held it may have gone.
   */
  readonly bring: (sidecar: SidecarPlan, options?: { readonly insist?: boolean }) => Promise<TakenUp>;
}

interface Recorded {
  readonly versions: Versions;
  readonly rejection: Rejection | undefined;
  readonly past: PastRejections;
}

type PastRejections = Partial<Record<DynamicFileName, number>>;

export function sidecarUpdates(): SidecarUpdates {
  const recorded = new Map<string, Recorded>();
  const renderings = new WeakMap<SidecarPlan, Rendering>();
  const rendering = (sidecar: SidecarPlan): Rendering => {
    const known = renderings.get(sidecar) ?? renderingOf(sidecar);
    renderings.set(sidecar, known);
    return known;
  };
  const bring: SidecarUpdates["bring"] = async (sidecar, { insist = false } = {}) => {
    const { files, versions } = rendering(sidecar);
    const before = recorded.get(sidecar.process);
    const isSame = before !== undefined && sameVersions(before.versions, versions);
    const passes = before?.rejection !== undefined && takenAddress(before.rejection) !== undefined;
    if (isSame && before.rejection !== undefined && !insist && !passes)
      return { replaced: [], rejection: before.rejection };
    const again = (await bindFailure(sidecar)) === undefined ? [] : (["listeners.yaml"] as const);
    const taken = await takeUp(sidecar, files, { again });
    const isUnchanged = taken.replaced.length === 0 && taken.rejection === undefined;
    if (isSame && isUnchanged && before.rejection === undefined) return taken;
    const { past, rejection } = await settle(sidecar, files, { taken, past: before?.past ?? {} });
    recorded.set(sidecar.process, { versions, past, rejection });
    return rejection === undefined ? taken : { replaced: [], rejection };
  };
  return {
    bring,
    versions: (sidecar) => rendering(sidecar).versions,
    rejection: (sidecar) => recorded.get(sidecar.process)?.rejection,
    pastRejections: (sidecar, file) => recorded.get(sidecar.process)?.past[file],
  };
}

/**
 * Which of Envoy's counted rejections are past. Of those that this controller did not cause (it started later) only
 * another attempt can tell.
 */
async function settle(
  sidecar: SidecarPlan,
  files: DynamicFiles,
  { taken, past }: { readonly taken: TakenUp; readonly past: PastRejections },
): Promise<Pick<Recorded, "past" | "rejection">> {
  if (taken.rejection !== undefined) return { past, rejection: taken.rejection };
  const seen = await observeSidecar(sidecar);
  if (!hasUnexplained(seen, past, taken.replaced)) return { past: rejectionsOf(seen), rejection: undefined };
  const again = await takeUp(sidecar, files, { again: dynamicFileNames });
  if (again.rejection !== undefined) return { past, rejection: again.rejection };
  return { past: rejectionsOf(await observeSidecar(sidecar)), rejection: undefined };
}

interface Rendering {
  readonly files: DynamicFiles;
  readonly versions: Versions;
}

function renderingOf(sidecar: SidecarPlan): Rendering {
  const files = renderDynamic(sidecar);
  const versions = {
    "endpoints.yaml": versionInfo(files["endpoints.yaml"]),
    "policy.yaml": versionInfo(files["policy.yaml"]),
    "clusters.yaml": versionInfo(files["clusters.yaml"]),
    "listeners.yaml": versionInfo(files["listeners.yaml"]),
  };
  return { files, versions };
}

function sameVersions(left: Versions, right: Versions): boolean {
  return dynamicFileNames.every((file) => left[file] === right[file]);
}

function rejectionsOf({ subscriptions }: SidecarObservation): PastRejections {
  return Object.fromEntries(dynamicFileNames.map((file) => [file, subscriptions[file]?.rejected ?? 0]));
}

function hasUnexplained(
  { subscriptions }: SidecarObservation,
  past: PastRejections,
  replaced: readonly DynamicFileName[],
): boolean {
  return dynamicFileNames.some(
    (file) => !replaced.includes(file) && (subscriptions[file]?.rejected ?? 0) > (past[file] ?? 0),
  );
}
