// Adds Envoy's own reason to a rejected update, where only the sidecar's log has it. Logs belong to the runtime, which
// a controller cannot read; the CLI can.

import { MeshError } from "../errors.ts";
import { rejectionIn } from "../observe/envoy-log.ts";
import type { DomainPlan } from "../plan/plan.ts";
import type { Runtime } from "../runtime/runtime.ts";

const lastLines = 200;

/** Envoy's reason for the last update that the sidecar rejected, from its log; undefined when its log has none. */
export async function rejectionInLog(runtime: Pick<Runtime, "logs">, sidecar: string): Promise<string | undefined> {
  const lines: string[] = [];
  for await (const { text } of runtime.logs([sidecar], { lines: lastLines, follow: false })) lines.push(text);
  return rejectionIn(lines);
}

/** The error as it came, or MESH_UPDATE_REJECTED with the reason from the log of the sidecar that it names. */
export async function explainRejection(
  error: unknown,
  domain: Pick<DomainPlan, "sidecars">,
  runtime: Pick<Runtime, "logs">,
): Promise<unknown> {
  if (!(error instanceof MeshError) || error.code !== "MESH_UPDATE_REJECTED") return error;
  const sidecar = domain.sidecars.find(({ process }) => error.message.includes(`${process} rejected `));
  const reason = sidecar === undefined ? undefined : await rejectionInLog(runtime, sidecar.process);
  if (reason === undefined || error.message.includes(reason)) return error;
  return new MeshError(error.code, error.message, {
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    details: [...error.details, reason],
    cause: error.cause,
  });
}
