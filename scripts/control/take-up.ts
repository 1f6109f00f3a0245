// Has a running sidecar take up its dynamic files and proves that it did. Envoy reports a version also when it
// rejected the update, so the proof is its counters: the attempt that followed the rename was accepted or rejected.

import { MeshError, systemErrorCode } from "../errors.ts";
import { subscriptionOf, subscriptionPrefixes, type Subscription } from "../observe/envoy.ts";
import { fetchListenerErrors, fetchStats } from "../observe/envoy-admin.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import { dynamicFileNames, type DynamicFileName } from "../render/dynamic.ts";
import { until } from "../wait.ts";
import { readDynamicFile, replaceDynamicFile } from "./dynamic-files.ts";

/** Content of the four files, as `renderDynamic` gives it. */
export type DynamicFiles = Readonly<Record<DynamicFileName, string>>;

/** What became of a sidecar's files. */
export interface TakenUp {
  /** Files that were replaced; empty also when the update was rejected and everything is as before. */
  readonly replaced: readonly DynamicFileName[];
  /** Envoy said no: every file of this update was put back, and the old configuration serves on. */
  readonly rejection?: Rejection;
}

export interface Rejection {
  readonly file: DynamicFileName;
  /** Envoy's own words, where its admin interface has them; otherwise its log has. */
  readonly reason?: string;
}

export interface TakeUpOptions {
  readonly deadlineMs?: number;
  /** Files to replace although their content is right already: makes Envoy judge them again. */
  readonly again?: readonly DynamicFileName[];
}

/**
 * Brings the dynamic files to what is wanted, one after the other in the order in which they refer to each other,
 * and waits for Envoy's verdict on each. A sidecar that does not run takes them up when it starts: nothing is waited for.
 *
 * @throws MeshError MESH_TIMEOUT when the sidecar runs and reads nothing
 */
export async function takeUp(
  sidecar: SidecarPlan,
  wanted: DynamicFiles,
  options: TakeUpOptions = {},
): Promise<TakenUp> {
  const replaced: { readonly file: DynamicFileName; readonly before: string | undefined }[] = [];
  for (const file of dynamicFileNames) {
    const before = await readDynamicFile(sidecar, file);
    if (before === wanted[file] && options.again?.includes(file) !== true) continue;
    const verdict = await replaceAndJudge(sidecar, file, wanted[file], options);
    replaced.push({ file, before });
    if (verdict !== "rejected") continue;
    const reason = await reasonOf(sidecar, file);
    await putBack(sidecar, replaced, wanted);
    return { replaced: [], rejection: { file, ...(reason === undefined ? {} : { reason }) } };
  }
  return { replaced: replaced.map(({ file }) => file) };
}

/**
 * The address, `127.64.1.2:9443`, on which a sidecar could not listen because somebody else does; undefined: it was
 * rejected for another reason, which does not pass by itself (Envoy, source/common/listener_manager).
 */
export function takenAddress({ reason = "" }: Rejection): string | undefined {
  return /cannot bind '([^']+)'/.exec(reason)?.[1];
}

/**
 * What keeps a sidecar from listening, although its configuration is accepted otherwise; undefined: nothing. Envoy
 * tries once, at its start or when it reads listeners.yaml.
 */
export async function bindFailure(sidecar: SidecarPlan): Promise<Rejection | undefined> {
  const { rejected = 0 } = (await lookAt(sidecar, "listeners.yaml")) ?? {};
  if (rejected === 0) return undefined;
  const reason = await reasonOf(sidecar, "listeners.yaml");
  const rejection: Rejection = { file: "listeners.yaml", ...(reason === undefined ? {} : { reason }) };
  return takenAddress(rejection) === undefined ? undefined : rejection;
}

/** The error for a rejection, as the command that caused it ends. */
export function rejectionError(sidecar: SidecarPlan, rejection: Rejection): MeshError {
  const address = takenAddress(rejection);
  if (address !== undefined)
    return new MeshError("MESH_UPDATE_REJECTED", `${sidecar.process} cannot listen on ${address}: somebody else does`, {
      fix: `end what listens there (ss -ltnp | grep ${address}); it is tried again every few seconds`,
    });
  const { file, reason } = rejection;
  const why = reason === undefined ? "" : `: ${reason}`;
  return new MeshError("MESH_UPDATE_REJECTED", `${sidecar.process} rejected ${file}${why}`, {
    fix:
      reason === undefined
        ? `./mesh logs ${sidecar.process} says why; undo the last edit of mesh.yaml and run ./mesh up`
        : "undo the last edit of mesh.yaml and run ./mesh up",
  });
}

type Verdict = "accepted" | "rejected" | "not-running";

async function replaceAndJudge(
  sidecar: SidecarPlan,
  file: DynamicFileName,
  content: string,
  { deadlineMs = 5000 }: TakeUpOptions,
): Promise<Verdict> {
  const before = await lookAt(sidecar, file);
  await replaceDynamicFile(sidecar, file, content);
  if (before === undefined) return "not-running";
  return await until(
    `${sidecar.process} has read its new ${file}`,
    async (): Promise<Verdict | undefined> => {
      const now = await lookAt(sidecar, file);
      // It ended meanwhile: whatever starts in its place reads the new file.
      if (now === undefined || now.attempts < before.attempts) return "not-running";
      if (now.attempts === before.attempts || now.attempts > now.accepted + now.rejected) return undefined;
      return now.rejected > before.rejected ? "rejected" : "accepted";
    },
    { deadlineMs, intervalMs: 5, fix: `./mesh restart ${sidecar.process}` },
  );
}

/** Undefined: the sidecar does not run, or does not read this file (yet). */
async function lookAt(sidecar: SidecarPlan, file: DynamicFileName): Promise<Subscription | undefined> {
  const prefix = subscriptionPrefixes(sidecar)[file];
  if (prefix === undefined) return undefined;
  try {
    const filter = String.raw`^${RegExp.escape(prefix)}\.(update_(attempt|success|rejected|failure)|version_text)$`;
    return subscriptionOf(await fetchStats(sidecar.adminSocket, filter), prefix);
  } catch (error) {
    if (isNobodyThere(error)) return undefined;
    if (systemErrorCode(error) !== "ABORT_ERR") throw error;
    throw new MeshError("MESH_TIMEOUT", `${sidecar.process} runs and its admin socket does not answer in time`, {
      fix: `./mesh logs ${sidecar.process}`,
      cause: error,
    });
  }
}

function isNobodyThere(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(systemErrorCode(error) ?? "");
}

/** Envoy keeps the reason for listeners only; for the other kinds it writes it to its log. */
async function reasonOf(sidecar: SidecarPlan, file: DynamicFileName): Promise<string | undefined> {
  if (file !== "listeners.yaml") return undefined;
  try {
    return (await fetchListenerErrors(sidecar.adminSocket)).at(0);
  } catch {
    return undefined; // Whatever keeps it from answering, what it rejected must be put back.
  }
}

async function putBack(
  sidecar: SidecarPlan,
  replaced: readonly { readonly file: DynamicFileName; readonly before: string | undefined }[],
  wanted: DynamicFiles,
): Promise<void> {
  for (const { file, before } of replaced.toReversed()) {
    if (before !== undefined && before !== wanted[file]) await replaceAndJudge(sidecar, file, before, {});
  }
}
