// What stands in a protection's place when it is taken away, where leaving the field out is not what an attacker would wish
// for: a careless operator's value.

import type { SidecarPlan } from "../../scripts/plan/plan.ts";
import type { Value } from "../../scripts/render/types.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";

export interface Weakening {
  /** In words, for the report. */
  readonly change: string;
  readonly weaken?: (at: {
    readonly mesh: PrivateMesh;
    readonly sidecar: SidecarPlan;
    readonly field: Value;
  }) => Value | undefined;
  /** Why it cannot be taken away on a running sidecar. */
  readonly notHere?: string;
}

const startOnly = "it is read at start, and is no dynamic file";

export const weakenings: Readonly<Record<string, Weakening>> = {
  "tls-1.3": {
    change: "TLS 1.0 and up",
    weaken: () => ({ tls_minimum_protocol_version: "TLSv1_0", tls_maximum_protocol_version: "TLSv1_3" }),
  },
  "caller-header": {
    change: "the caller's own header is handed on (FORWARD_ONLY)",
    weaken: () => "ALWAYS_FORWARD_ONLY",
  },
  "no-caller-header": { change: "the header is handed on (ALWAYS_FORWARD_ONLY)", weaken: () => "ALWAYS_FORWARD_ONLY" },
  "http1-codec": { change: "the codec is the peer's choice (AUTO)", weaken: () => "AUTO" },
  "callee-names": { change: "any Host", weaken: () => ["*"] },
  "published-names": { change: "any Host", weaken: () => ["*"] },
  "escaped-slashes": { change: "escaped slashes are kept", weaken: () => "KEEP_UNCHANGED" },
  underscores: { change: "underscores are allowed", weaken: () => "ALLOW" },
  "header-bytes": { change: "headers of 8 MiB", weaken: () => 8192 },
  "header-count": { change: "ten thousand headers", weaken: () => 10_000 },
  "handshake-timeout": { change: "a handshake may take an hour", weaken: () => "3600s" },
  "headers-timeout": { change: "headers may take an hour", weaken: () => "3600s" },
  "admin-socket": { change: "", notHere: startOnly },
  "admin-socket-mode": { change: "", notHere: startOnly },
  "heap-limit": { change: "", notHere: startOnly },
  "load-shedding": { change: "", notHere: startOnly },
};
