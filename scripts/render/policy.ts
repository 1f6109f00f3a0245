// policy.yaml (ECDS): an RBAC filter that says which SPIFFE ID may use which rule. It is a file of its own because it
// holds for the next request, also on connections that are already open.

import type { Rule } from "../model/mesh.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import { extension, typed, type Fields } from "./types.ts";

export const policyName = "policy";
export const rbacType = "envoy.extensions.filters.http.rbac.v3.RBAC";

/**
 * Where nobody calls, everybody is denied: the listener is gone then, but what is open of it ends a moment later, and Envoy
 * would go on with the last policy that it was given.
 */
export function policies({ inbound }: SidecarPlan): Fields[] {
  const matchers = (inbound?.callers ?? []).map(({ workload, spiffeId, rules }) => ({
    predicate: allOf([uriSanIs(spiffeId), anyOf(rules.map(ruleApplies))]),
    on_match: { action: rbacAction(workload, "ALLOW") },
  }));
  return [
    typed("envoy.config.core.v3.TypedExtensionConfig", {
      name: policyName,
      typed_config: typed(rbacType, {
        matcher: {
          ...(matchers.length === 0 ? {} : { matcher_list: { matchers } }),
          on_no_match: { action: rbacAction("nobody_else", "DENY") },
        },
      }),
    }),
  ];
}

/**
 * The whole list of URI SANs, joined by commas, equals one SPIFFE ID: a certificate with a second URI is refused even
 * when one of the two matches. Envoy's SPIFFE validator does not do this (X509-SVID.md section 2: exactly one URI SAN).
 */
function uriSanIs(spiffeId: string): Fields {
  return {
    single_predicate: {
      input: extension("uri_san", "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput"),
      value_match: { exact: spiffeId },
    },
  };
}

/** A rule sees the path after normalisation; the query is not part of it, but that a rule for all below a path lets no `waysUp` into it. */
function ruleApplies({ method, path }: Rule): Fields {
  const pathApplies = path.endsWith("/*")
    ? allOf([
        headerValue(":path", { prefix: path.slice(0, -1) }),
        { not_matcher: anyOf(waysUp.map((way) => headerValue(":path", { contains: way, ignore_case: true }))) },
      ])
    : anyOf([headerValue(":path", { exact: path }), headerValue(":path", { prefix: `${path}?` })]);
  return method === "*" ? pathApplies : allOf([headerValue(":method", { exact: method }), pathApplies]);
}

/**
 * What `/%2e%2e;` and `/%2e%2e%3b` are after normalisation, and what servlet containers take for `/..` (path parameters,
 * RFC 3986 3.3), the second after they have decoded it. Written as `/..;` Envoy resolves it; encoded it does so too late.
 * Looked for in all of `:path`: an expression that ends at the query would have to be sure of where that begins.
 */
const waysUp = ["/..;", "/..%3b"];

function headerValue(name: string, match: Fields): Fields {
  return {
    single_predicate: {
      input: extension(name.slice(1), "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", { header_name: name }),
      value_match: match,
    },
  };
}

function rbacAction(name: string, action: "ALLOW" | "DENY"): Fields {
  return extension("action", "envoy.config.rbac.v3.Action", action === "ALLOW" ? { name } : { name, action });
}

/** Envoy wants at least two predicates in a list. */
function allOf(predicates: readonly Fields[]): Fields {
  const [only] = predicates;
  return predicates.length === 1 && only !== undefined ? only : { and_matcher: { predicate: predicates } };
}

function anyOf(predicates: readonly Fields[]): Fields {
  const [only] = predicates;
  return predicates.length === 1 && only !== undefined ? only : { or_matcher: { predicate: predicates } };
}
