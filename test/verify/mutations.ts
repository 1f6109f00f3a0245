// Would the matrix notice? Each row of the protections table is removed alone, on the running sidecars, by a dynamic file
// renamed into place; then the claims that guard it run, and at least one must turn red while the control stays green.

import { takeUp } from "../../scripts/control/take-up.ts";
import type { SidecarPlan } from "../../scripts/plan/plan.ts";
import { clusters } from "../../scripts/render/clusters.ts";
import { renderDynamic, type DynamicFileName } from "../../scripts/render/dynamic.ts";
import { listeners } from "../../scripts/render/listeners.ts";
import { policies } from "../../scripts/render/policy.ts";
import { covers, protections, type Protection } from "../../scripts/render/protections.ts";
import { until } from "../../scripts/wait.ts";
import type { Fields, Value } from "../../scripts/render/types.ts";
import { type Claim, whyNotHere } from "./claim.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";
import { control } from "./instance/control.ts";
import { judge } from "./judge.ts";
import { weakenings, whyNotTaken } from "./weakenings.ts";

export interface MutationResult {
  readonly protection: string;
  /** What was done to the configuration. */
  readonly change: string;
  /** Claims that turned red, and why, those that guard it first; empty: nothing noticed. */
  readonly red: readonly Red[];
  /** Absent: it was applied. */
  readonly notApplied?: NotApplied;
  readonly milliseconds: number;
}

interface Red {
  readonly claim: string;
  readonly tried: string;
  readonly problem: string;
}

export interface NotApplied {
  readonly reason: string;
  /** Said beforehand (weakenings.ts). Otherwise it is a failure: nobody knows what this protection is worth. */
  readonly isExpected: boolean;
}

/**
 * Removes one protection, hears the claims, and puts everything back.
 *
 * @param all every claim is heard, and not only those that guard it up to the first that turns red
 */
export async function mutate(
  mesh: PrivateMesh,
  protection: Protection,
  { claims, all = false }: { readonly claims: readonly Claim[]; readonly all?: boolean },
): Promise<MutationResult> {
  const begun = performance.now();
  const done = (result: Omit<MutationResult, "protection" | "milliseconds">): MutationResult => ({
    protection: protection.id,
    ...result,
    milliseconds: performance.now() - begun,
  });
  const { change = `${protection.where} removed`, also = [] } = weakenings[protection.id] ?? {};
  const reason = whyNotTaken(protection, mesh);
  if (reason !== undefined) return done({ change, red: [], notApplied: { reason, isExpected: true } });
  const gone = [protection, ...protections.filter(({ id }) => also.includes(id))];
  const isGuard = ({ id }: Claim): boolean => protection.guardedBy.includes(id);
  const heard = [...claims.filter(isGuard), ...(all ? claims.filter((claim) => !isGuard(claim)) : [])];
  const taken = await without(mesh, gone, () => redAmong(mesh, heard, { most: all ? heard.length : 1 }));
  if ("heard" in taken) return done({ change, red: taken.heard });
  return done({ change, red: [], notApplied: { reason: taken.notApplied, isExpected: false } });
}

/** Takes all of these away at once, on both sidecars, for as long as `during` takes; then everything is as it was. */
export async function without<T>(
  mesh: PrivateMesh,
  all: readonly Protection[],
  during: () => Promise<T>,
): Promise<{ readonly heard: T } | { readonly notApplied: string }> {
  const sidecars = [mesh.callee, mesh.caller];
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const { id } of all) {
      const undone = await weakenings[id]?.act?.(mesh);
      if (undone !== undefined) undo.push(undone);
    }
    let touched = undo.length;
    for (const sidecar of sidecars) {
      const { files, count } = mutatedFiles(mesh, sidecar, all);
      touched += count;
      if (count === 0) continue;
      const { rejection } = await takeUp(sidecar, files);
      if (rejection !== undefined) return { notApplied: `Envoy refuses it: ${rejection.reason ?? rejection.file}` };
    }
    if (touched === 0) return { notApplied: "no sidecar of this edge has it" };
    mesh.relay.cut();
    return { heard: await during() };
  } finally {
    for (const undone of undo) await undone();
    for (const sidecar of sidecars) await takeUp(sidecar, renderDynamic(sidecar));
    mesh.relay.cut();
  }
}

/** Claims that turn red now, each by its first attempt that does. @param most so many are enough */
export async function redAmong(
  mesh: PrivateMesh,
  claims: readonly Claim[],
  { most }: { readonly most: number },
): Promise<readonly Red[]> {
  const red: Red[] = [];
  for (const claim of claims) {
    if (red.length >= most) break;
    const found = whyNotHere(claim, mesh) === undefined ? await redIn(mesh, claim) : undefined;
    if (found !== undefined) red.push(found);
  }
  return red;
}

async function redIn(mesh: PrivateMesh, { id, attempts }: Claim): Promise<Red | undefined> {
  for (const attempt of attempts) {
    const { problem, uncontrolled, tried } = await judge(mesh, attempt);
    // A configuration that serves nobody notices nothing. But what an attempt left on its way may still arrive beside the control.
    if (uncontrolled !== undefined) await servedAgain(mesh, uncontrolled);
    if (problem !== undefined) return { claim: id, tried, problem };
  }
  return undefined;
}

async function servedAgain(mesh: PrivateMesh, problem: string): Promise<void> {
  let last = problem;
  const isServed = async (): Promise<boolean> => {
    last = await control(mesh);
    return last === "";
  };
  const waiting = { deadlineMs: 5000, intervalMs: 100, lastSeen: () => last };
  await until("without it the rightful caller is served", isServed, waiting);
}

function mutatedFiles(mesh: PrivateMesh, sidecar: SidecarPlan, all: readonly Protection[]) {
  const gone = new Set(all.map(({ id }) => id));
  let count = 0;
  const change = (resources: readonly Fields[]): string => {
    const changed = resources.map((resource) =>
      walk(resource, [nameOf(resource)], (path, key, field) => {
        const found = all.find((one) => isWeakened(one, path));
        if (found === undefined) return undefined;
        count += 1;
        const { weaken, as } = weakenings[found.id] ?? {};
        const weakened = weaken?.({ mesh, sidecar, field, gone });
        return weakened === undefined ? {} : { [as ?? key]: weakened };
      }),
    );
    return `${JSON.stringify({ version_info: `without ${[...gone].join()}`, resources: changed.filter((one) => one !== undefined) })}\n`;
  };
  const files = {
    ...renderDynamic(sidecar),
    "policy.yaml": change(policies(sidecar)),
    "clusters.yaml": change(clusters(sidecar)),
    "listeners.yaml": change(listeners(sidecar)),
  } satisfies Record<DynamicFileName, string>;
  return { files, count };
}

function nameOf({ name }: Fields): string {
  return typeof name === "string" ? name : "";
}

function isWeakened(protection: Protection, path: readonly string[]): boolean {
  return covers({ where: weakenings[protection.id]?.at ?? protection.where }, path);
}

/** What stands in a field's place, empty: nothing; undefined: the field is not concerned. */
type Weaken = (path: readonly string[], key: string, field: Value) => Fields | undefined;

/** A copy in which fields are weakened. An object of a list that loses its only meaning goes with it. */
function walk(value: Value, path: readonly string[], weaken: Weaken): Value | undefined {
  if (Array.isArray(value))
    return value.map((item: Value) => walk(item, path, weaken)).filter((item) => item !== undefined);
  if (typeof value !== "object") return value;
  const kept: Record<string, Value> = {};
  for (const [key, field] of Object.entries(value)) {
    const at = [...path, key];
    Object.assign(kept, weaken(at, key, field) ?? asField(key, walk(field, at, weaken)));
    // An HTTP filter without its configuration is no filter.
    if (key === "config_discovery" && !(key in kept)) return undefined;
  }
  return kept;
}

function asField(key: string, value: Value | undefined): Fields {
  return value === undefined ? {} : { [key]: value };
}
