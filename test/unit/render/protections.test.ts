// The protections table against the configuration: no TLS, RBAC or limit field without a row, no row that covers nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import { bootstrap } from "../../../scripts/render/bootstrap.ts";
import { clusters, endpoints } from "../../../scripts/render/clusters.ts";
import { listeners } from "../../../scripts/render/listeners.ts";
import { policies } from "../../../scripts/render/policy.ts";
import { protectionOf, protections } from "../../../scripts/render/protections.ts";
import { resourceName } from "../../../scripts/render/yaml.ts";

const meshFile = join(import.meta.dirname, "../../golden/meshes/many.yaml");

function sidecars(): SidecarPlan[] {
  const mesh = parseMesh(readFileSync(meshFile, "utf8"), { file: meshFile });
  return plan(mesh, exampleHost(mesh)).domains.flatMap((domain) => domain.sidecars);
}

type Path = readonly string[];

/** Paths of all fields, as protections name them. */
function pathsOf(value: unknown, path: Path): Path[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, path));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

function allPaths(): Path[] {
  return sidecars().flatMap((sidecar) => {
    const resources = [listeners, clusters, endpoints, policies].flatMap((build) => build(sidecar));
    const named = resources.flatMap((fields) => pathsOf(fields, [resourceName(fields)]));
    return [...named, ...pathsOf(bootstrap(sidecar), ["bootstrap"])];
  });
}

/** Keys of Envoy's API that decide about identity, encryption, permission or a bound on resources. */
const protective =
  /^(require_client_certificate|.*session_resumption|max_.*|.*_limit_bytes|.*timeout|tls_params|alpn_protocols|codec_type|match_typed_subject_alt_names|.*sds_secret_configs?|forward_client_cert_details|set_current_client_cert_details|.*action|normalize_path|merge_slashes|use_remote_address|internal_address_config|circuit_breakers|config_discovery|matcher|mode|response_headers_to_add|host_rewrite_literal|suppress_envoy_headers|actions|resource_monitors)$/;

/** Fields that match by name and protect nothing. */
const harmless = new Set(["drain_timeout", "max_interval", "append_action"]);

test("every TLS, RBAC and limit field has a row", ({ expect }) => {
  const uncovered = allPaths().filter((path) => {
    const key = path.at(-1) ?? "";
    if (!protective.test(key) || harmless.has(key)) return false;
    return !path.some((_, index) => protectionOf(path.slice(0, index + 1)) !== undefined);
  });
  expect([...new Set(uncovered.map((path) => path.join(".")))]).toEqual([]);
});

test("every row covers a field", ({ expect }) => {
  const covered = new Set(allPaths().map((path) => protectionOf(path)?.id));
  expect(protections.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
});

test("rows have names of their own and say who guards them", ({ expect }) => {
  const ids = protections.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(protections.filter(({ guardedBy }) => guardedBy.length === 0)).toEqual([]);
});
