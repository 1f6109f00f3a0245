import { readFileSync } from "node:fs";

import { test } from "vitest";

import { findProblems, formatProblem, parseMesh } from "../../../scripts/model/parse.ts";
import { good, withApp, withCalls, withDomain, withWorkload } from "./meshes.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const parse = (text: string) => parseMesh(text, { file: "mesh.yaml" });

test("the shipped mesh is two trust domains, two workloads and one edge", ({ expect }) => {
  expect(parse(read("mesh.yaml"))).toEqual({
    trustDomains: [
      {
        domain: "broker.example",
        name: "broker",
        federatesWith: ["stockmarket.example"],
        ttl: { caSeconds: 86_400, x509SvidSeconds: 3600 },
      },
      {
        domain: "stockmarket.example",
        name: "stockmarket",
        federatesWith: ["broker.example"],
        ttl: { caSeconds: 86_400, x509SvidSeconds: 3600 },
      },
    ],
    workloads: [
      {
        name: "broker",
        spiffeId: { uri: "spiffe://broker.example/webapp", trustDomain: "broker.example", path: "/webapp" },
        app: { kind: "node", entry: "apps/broker/server.ts", health: "/health" },
        publish: { host: "127.0.0.1", port: 8080 },
      },
      {
        name: "quotes",
        spiffeId: {
          uri: "spiffe://stockmarket.example/quotes-service",
          trustDomain: "stockmarket.example",
          path: "/quotes-service",
        },
        app: { kind: "node", entry: "apps/quotes/server.ts", health: "/health", contract: "apps/quotes/openapi.json" },
      },
    ],
    edges: [{ caller: "broker", callee: "quotes", rules: [{ method: "GET", path: "/quotes" }], timeoutMs: 0 }],
  });
});

test("the shipped mesh names its schema to editors, and the goldens' quotes.yaml is the same mesh", ({ expect }) => {
  expect(read("mesh.yaml")).toMatch(/^# yaml-language-server: \$schema=\.\/mesh\.schema\.json\n/);
  expect(parse(read("test/golden/meshes/quotes.yaml"))).toEqual(parse(read("mesh.yaml")));
});

test("the goldens' other meshes hold several domains, one domain, many edges", ({ expect }) => {
  const three = parse(read("test/golden/meshes/three-domains.yaml"));
  expect(three.trustDomains.map(({ name, ttl }) => [name, ttl.caSeconds, ttl.x509SvidSeconds])).toEqual([
    ["broker", 4500, 20],
    ["market", 4500, 20],
    ["bank", 7200, 90],
  ]);
  expect(three.edges.map(({ callee, timeoutMs }) => [callee, timeoutMs])).toEqual([
    ["quotes", 0],
    ["rates", 2000],
  ]);
  expect(parse(read("test/golden/meshes/one-domain.yaml")).trustDomains).toHaveLength(1);
  const many = parse(read("test/golden/meshes/many.yaml"));
  expect(many.edges.map(({ caller, callee }) => `${caller} → ${callee}`)).toEqual([
    "broker → quotes",
    "broker → ledger",
    "audit-log → quotes",
    "quotes → ledger",
  ]);
  expect(many.workloads.at(-1)?.app).toEqual({
    kind: "command",
    command: ["./ledger", "--address", "127.0.0.1:8000"],
    workingDir: "examples/ledger",
    build: ["go", "build", "-o", "ledger", "."],
    listen: { host: "127.0.0.1", port: 8000 },
    health: "/ready",
  });
});

test("docs/mesh-yaml.md shows the shipped mesh, and a refusal as it is printed", ({ expect }) => {
  const page = read("docs/mesh-yaml.md");
  const shown = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  expect(parse(shown)).toEqual(parse(read("mesh.yaml")));
  const [problem] = findProblems(read("mesh.yaml").replace("GET /quotes", "get /quotes"));
  expect(problem === undefined ? "" : formatProblem(problem, "mesh.yaml")).toBe(/^mesh\.yaml:.*$/m.exec(page)?.[0]);
});

test("a rule may have any method, and a path with everything below it", ({ expect }) => {
  const { edges } = parse(withCalls('{quotes: ["* /*", HEAD /, OPTIONS /pkg.Service/Method, "GET /a:b@c(\'d\')/*"]}'));
  expect(edges[0]?.rules).toEqual([
    { method: "*", path: "/*" },
    { method: "HEAD", path: "/" },
    { method: "OPTIONS", path: "/pkg.Service/Method" },
    { method: "GET", path: "/a:b@c('d')/*" },
  ]);
});

test("paths are normalised", ({ expect }) => {
  const { workloads } = parse(withApp("node: ./apps//a/../b.ts, workingDir: ./, contract: openapi/v1.yaml"));
  expect(workloads[0]?.app).toMatchObject({ entry: "apps/b.ts", workingDir: ".", contract: "openapi/v1.yaml" });
});

test("anchors and aliases stand for what they name", ({ expect }) => {
  const text = good.replace("app: {node: a.ts}", "app: &app {node: a.ts}").replace("{node: q.ts}", "*app");
  expect(parse(text).workloads[1]?.app).toEqual(parse(text).workloads[0]?.app);
});

test("a problem inside an anchor is said once, however many aliases repeat it", ({ expect }) => {
  const text = good.replace("app: {node: a.ts}", "app: &app {node: /a.ts}").replace("{node: q.ts}", "*app");
  expect(findProblems(text).map(({ line, column }) => [line, column])).toEqual([[5, 71]]);
});

test("a byte order mark and Windows line ends do not matter", ({ expect }) => {
  expect(parse(`\uFEFF${good.replaceAll("\n", "\r\n")}`)).toEqual(parse(good));
});

const ttl = (text: string) => parse(withDomain(`ttl: {${text}}`)).trustDomains[0]?.ttl;

test("the shortest TTLs that are safe, and the longest that SPIRE Server guarantees, are accepted", ({ expect }) => {
  expect(ttl("ca: 15m, x509Svid: 10s")).toEqual({ caSeconds: 900, x509SvidSeconds: 10 });
  expect(ttl("ca: 1h15m, x509Svid: 12m30s")).toEqual({ caSeconds: 4500, x509SvidSeconds: 750 });
  expect(ttl("ca: 8760h, x509Svid: 168h")).toEqual({ caSeconds: 31_536_000, x509SvidSeconds: 604_800 });
});

test("an address may be published on every interface, and ports differ by address", ({ expect }) => {
  const { workloads } = parse(withWorkload("app: {node: a.ts, listen: 127.0.0.2:8080}, publish: 127.0.0.1:8080"));
  expect(workloads[0]).toMatchObject({ app: { listen: { host: "127.0.0.2", port: 8080 } } });
  expect(parse(withWorkload("app: {node: a.ts}, publish: 0.0.0.0:80")).workloads[0]?.publish).toEqual({
    host: "0.0.0.0",
    port: 80,
  });
});

test("problems come as structure for editors, in the order of the file", ({ expect }) => {
  const text = withCalls("{quots: [get /quotes]}");
  expect(findProblems(text)).toEqual([
    {
      line: 5,
      column: 81,
      path: "/workloads/broker/calls/quots",
      message: "`quots` is not a workload of this file",
      suggestion: "did you mean `quotes`?",
      kind: "invalid",
    },
    {
      line: 5,
      column: 89,
      path: "/workloads/broker/calls/quots/0",
      message: "`get /quotes` is not a rule: the method must be in capitals",
      suggestion: "write `GET /quotes`",
      kind: "invalid",
    },
  ]);
  expect(findProblems(good)).toEqual([]);
});

test("the refusal counts the problems, names the file and says where the language is described", ({ expect }) => {
  expect(() => parseMesh(withApp("image: /x, command: 3"), { file: "examples/own.yaml" })).toThrowError(
    expect.objectContaining({
      code: "MESH_FILE_INVALID",
      message: "examples/own.yaml has 2 problems",
      details: [
        "examples/own.yaml:5:57  `/x` is not an image; write `debian:12-slim`",
        "examples/own.yaml:5:70  `command` must be a list; write `command: [./quotes]`",
      ],
      fix: "correct these lines; docs/mesh-yaml.md describes the language",
    }),
  );
});
