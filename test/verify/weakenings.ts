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
  /** Name of the field that is weakened, where that is not the protection's own; and of what stands in its place. */
  readonly at?: string;
  readonly as?: string;
  /** A second line shows only when the first is gone too: other rows of the table. */
  readonly also?: readonly string[];
  /** Why it cannot be taken away on a running sidecar. */
  readonly notHere?: string;
}

const startOnly = "it is read at start, and is no dynamic file";

export const weakenings: Readonly<Record<string, Weakening>> = {
  "client-certificate": {
    change:
      "no certificate is required, one pool of CAs, any name: the SPIFFE validator and a list of names require one too",
    also: ["bundle-per-trust-domain", "inbound-spiffe-id"],
  },
  "secrets-first": { change: "", notHere: "it shows when an agent is away for longer than 15 s" },
  "bundle-per-trust-domain": {
    change: "one pool of every trust domain's CA, as trusted_ca",
    at: "combined_validation_context",
    as: "validation_context",
    weaken: ({ mesh, field }) => pooled(mesh, field),
  },
  "own-svid-by-name": {
    change: "",
    notHere: "a sidecar has one registration entry, so the agent's `default` is the same SVID",
  },
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

/** What a gateway without SPIFFE validation has: all CAs in one file, and the same names. */
function pooled({ authorities, hostile }: PrivateMesh, field: Value): Value {
  const all = [...authorities.values(), hostile.authority].map(({ certificate }) => certificate);
  const context =
    typeof field === "object" && "default_validation_context" in field ? field["default_validation_context"] : {};
  return { ...(typeof context === "object" ? context : {}), trusted_ca: { inline_string: all.join("\n") } };
}
