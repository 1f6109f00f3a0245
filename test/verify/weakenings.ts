// What stands in a protection's place when it is taken away, where leaving the field out is not what an attacker would wish
// for: a careless operator's value.

import { chmod, stat } from "node:fs/promises";
import { dirname } from "node:path";

import type { SidecarPlan } from "../../scripts/plan/plan.ts";
import type { Protection } from "../../scripts/render/protections.ts";
import type { Value } from "../../scripts/render/types.ts";
import { whyNoPage } from "./claims/callers-doors.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";
import { withoutUsers } from "./instance/users.ts";

export interface Weakening {
  /** In words, for the report. */
  readonly change: string;
  readonly weaken?: (at: {
    readonly mesh: PrivateMesh;
    readonly sidecar: SidecarPlan;
    readonly field: Value;
    /** Everything that is taken away with it, by id. */
    readonly gone: ReadonlySet<string>;
  }) => Value | undefined;
  /** What is done beside the dynamic files; returns how it is undone. */
  readonly act?: (mesh: PrivateMesh) => Promise<() => Promise<void>>;
  /** Where the field is that is weakened, if that is not the protection's own; and the name of what stands in its place. */
  readonly at?: string;
  readonly as?: string;
  /** A second line shows only when the first is gone too: other rows of the table. */
  readonly also?: readonly string[];
  /** Why it cannot be taken away on a running sidecar, or on those of this mesh. What is not said here must be possible. */
  readonly notHere?: string | ((mesh: PrivateMesh) => string | undefined);
}

/** Undefined: it must be possible to take it away. */
export function whyNotTaken({ id }: Pick<Protection, "id">, mesh: PrivateMesh): string | undefined {
  const { notHere } = weakenings[id] ?? {};
  return typeof notHere === "function" ? notHere(mesh) : notHere;
}

/** Of whatever mesh: known before there is one. */
export function whyNeverTaken({ id }: Pick<Protection, "id">): string | undefined {
  const { notHere } = weakenings[id] ?? {};
  return typeof notHere === "string" ? notHere : undefined;
}

const anyTls = { tls_minimum_protocol_version: "TLSv1_0", tls_maximum_protocol_version: "TLSv1_3" };
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
    at: "inbound.**.combined_validation_context",
    as: "validation_context",
    weaken: ({ mesh, field, gone }) => pooled(mesh, field, { names: !gone.has("inbound-spiffe-id") }),
  },
  "callee-bundle": {
    change: "towards callees, one pool of every trust domain's CA, as trusted_ca",
    at: "*.transport_socket.**.combined_validation_context",
    as: "validation_context",
    weaken: ({ mesh, field, gone }) => pooled(mesh, field, { names: !gone.has("outbound-spiffe-id") }),
  },
  "one-bundle": { change: "ALL: the bundles of every federated trust domain", weaken: () => "ALL" },
  "own-svid-by-name": {
    change: "",
    notHere: "a sidecar has one registration entry, so the agent's `default` is the same SVID",
  },
  "tls-1.3": { change: "TLS 1.0 and up", weaken: () => anyTls },
  "callee-tls-1.3": { change: "towards callees, TLS 1.0 and up", weaken: () => anyTls },
  "caller-header": {
    change: "the caller's own header is handed on (FORWARD_ONLY)",
    weaken: () => "ALWAYS_FORWARD_ONLY",
  },
  "no-caller-header": { change: "the header is handed on (ALWAYS_FORWARD_ONLY)", weaken: () => "ALWAYS_FORWARD_ONLY" },
  "http1-codec": { change: "the codec is the peer's choice (AUTO)", weaken: () => "AUTO" },
  "callee-names": { change: "any Host", weaken: () => ["*"] },
  "published-names": { change: "any Host", weaken: () => ["*"], notHere: whyNoPage },
  "escaped-slashes": { change: "escaped slashes are kept", weaken: () => "KEEP_UNCHANGED" },
  underscores: { change: "underscores are allowed", weaken: () => "ALLOW" },
  "header-bytes": { change: "headers of 8 MiB", weaken: () => 8192 },
  "header-count": { change: "ten thousand headers", weaken: () => 10_000 },
  "handshake-timeout": { change: "a handshake may take an hour", weaken: () => "3600s" },
  "headers-timeout": { change: "headers may take an hour", weaken: () => "3600s" },
  "admin-socket": { change: "", notHere: startOnly },
  "admin-socket-mode": {
    change: "its folder and itself are anybody's (0777)",
    notHere: withoutUsers,
    act: async ({ callee }) => {
      const paths = [dirname(callee.adminSocket), callee.adminSocket];
      const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o7777));
      for (const path of paths) await chmod(path, 0o777);
      return async () => {
        for (const [index, path] of paths.entries()) await chmod(path, modes[index] ?? 0);
      };
    },
  },
  "listener-connections": { change: "a hundred thousand connections", weaken: () => 100_000 },
  "no-way-up": {
    change: "a way up is no way up",
    weaken: () => ({
      single_predicate: {
        input: {
          name: "path",
          typed_config: {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            header_name: ":path",
          },
        },
        value_match: { exact: "/nobody/asks/for/this" },
      },
    }),
  },
  "nobody-internal": {
    change: "peers on loopback are internal",
    weaken: () => ({ cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] }),
  },
  "route-timeout": {
    change: "",
    notHere: "without it exchanges end sooner, after Envoy's own 15 s: nothing is let in",
  },
  "own-calls": {
    change: "",
    notHere: "it shows when a sidecar has a thousand connections, which its listeners' limits keep it from",
  },
  "outbound-socket": { change: "", notHere: "its folder keeps others out first: row G1, and 0006" },
  "heap-limit": { change: "", notHere: startOnly },
  "load-shedding": { change: "", notHere: startOnly },
};

/** What a gateway without SPIFFE validation has: all CAs in one file, and the same names or none. */
function pooled({ authorities, hostile }: PrivateMesh, field: Value, { names }: { readonly names: boolean }): Value {
  const all = [...authorities.values(), hostile.authority].map(({ certificate }) => certificate);
  const context =
    typeof field === "object" && "default_validation_context" in field ? field["default_validation_context"] : {};
  const kept = names && typeof context === "object" && !Array.isArray(context) ? Object.entries(context) : [];
  return { ...Object.fromEntries(kept), trusted_ca: { inline_string: all.join("\n") } };
}
