import { test } from "vitest";

import { rejectionIn } from "../../../scripts/observe/envoy-log.ts";

/** As Envoy 1.40 wrote them. */
const head =
  "[2026-11-24 22:47:15.509][10914][warning][config] [source/extensions/config_subscription/filesystem/filesystem_subscription_impl.cc:81] Filesystem config update";
const unknownField = `${head} rejected: Protobuf message (type envoy.service.discovery.v3.DiscoveryResponse reason INVALID_ARGUMENT: invalid JSON   in   envoy.service.discovery.v3.DiscoveryResponse   @  resources[0].<any>: message envoy.config.listener.v3.Listener,  near 1:77 (offset 76): no such  field:   'nonsense_field') has unknown fields`;

test("the reason for a rejection is the last one, without Protobuf's random spaces", ({ expect }) => {
  const malformed = `${head} rejected: malformed IP address: not an address. Consider setting resolver_name`;
  expect(rejectionIn([unknownField, malformed, "[info] something else"])).toBe(
    "malformed IP address: not an address. Consider setting resolver_name",
  );
  expect(rejectionIn([malformed, unknownField])).toContain("no such field: 'nonsense_field') has unknown fields");
});

test("a file that is not YAML to Envoy is a rejection too", ({ expect }) => {
  const line = `${head} failure: in /run/mesh/quotes-sidecar/xds/policy.yaml, yaml-cpp: error at line 48, column 57: end of map flow not found`;
  expect(rejectionIn([line])).toBe(
    "in /run/mesh/quotes-sidecar/xds/policy.yaml, yaml-cpp: error at line 48, column 57: end of map flow not found",
  );
});

test("a log without a rejection, or with one that says nothing, gives no reason", ({ expect }) => {
  expect(rejectionIn([])).toBeUndefined();
  expect(rejectionIn(["lds: add/update listener 'inbound'"])).toBeUndefined();
  expect(rejectionIn([`${head} rejected: goo.gle/debugproto    `])).toBeUndefined();
});
