import { test } from "vitest";

import { withoutCallsTo } from "../../../scripts/control/refused-partners.ts";
import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";

const mesh = parseMesh(
  `trustDomains:
  a.example: { federatesWith: [b.example, c.example] }
  b.example: { federatesWith: [a.example] }
  c.example: { federatesWith: [a.example] }
workloads:
  caller:
    spiffeId: spiffe://a.example/caller
    app: { node: apps/broker/server.ts }
    calls: { one: [GET /], two: [GET /], near: [GET /] }
  near: { spiffeId: spiffe://a.example/near, app: { node: apps/quotes/server.ts } }
  one: { spiffeId: spiffe://b.example/one, app: { node: apps/quotes/server.ts } }
  two: { spiffeId: spiffe://c.example/two, app: { node: apps/quotes/server.ts } }
`,
  { file: "mesh.yaml" },
);
const [domain] = plan(mesh, exampleHost(mesh)).domains;
if (domain === undefined) throw new Error("there is no trust domain");

const calleesOf = (refused: ReadonlyMap<string, string>) =>
  withoutCallsTo(domain, refused).sidecars.map(({ outbound }) => outbound.map(({ callee }) => callee));

test("calls to a refused partner end, and no others", ({ expect }) => {
  expect(calleesOf(new Map([["b.example", "it has no X.509 authority"]]))).toEqual([["two", "near"], []]);
  expect(withoutCallsTo(domain, new Map())).toBe(domain);
});
