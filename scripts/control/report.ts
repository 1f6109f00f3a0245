// What a controller changed when it took up a plan. Plain JSON: it crosses the controller's socket.

import type { DynamicFileName } from "../render/dynamic.ts";

/** Empty lists mean that everything was already so. */
export interface PlanReport {
  readonly trustDomain: string;
  /** Sentences, e.g. "entry broker-webapp created"; from trust. */
  readonly trust: readonly string[];
  /** Dynamic files that were replaced, and which Envoy has accepted. */
  readonly files: readonly { readonly sidecar: string; readonly file: DynamicFileName }[];
}
