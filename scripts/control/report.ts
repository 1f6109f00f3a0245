// What a controller changed when it took up a plan. Plain JSON: it crosses the controller's socket.

import type { DynamicFileName } from "../render/dynamic.ts";

/** Empty lists mean that everything was already so. */
export interface PlanReport {
  readonly trustDomain: string;
  /** What changed in SPIRE Server, as sentences without a full stop, e.g. "entry … created". */
  readonly trust: readonly string[];
  /** What waits for a partner that has not introduced itself yet; the controller goes on trying. */
  readonly pending: readonly string[];
  /** Dynamic files that were replaced; a sidecar that runs has accepted them and serves from them. */
  readonly files: readonly { readonly sidecar: string; readonly file: DynamicFileName }[];
}
