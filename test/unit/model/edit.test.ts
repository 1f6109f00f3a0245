// mesh.yaml with another app: nothing but that app changes.

import { readFileSync } from "node:fs";

import { test } from "vitest";

import { withApp } from "../../../scripts/model/edit.ts";
import type { App } from "../../../scripts/model/mesh.ts";
import { parseMesh } from "../../../scripts/model/parse.ts";

const shipped = readFileSync(new URL("../../../mesh.yaml", import.meta.url), "utf8");

const node: App = { kind: "node", entry: "new.ts", health: "/health" };
const go: App = {
  kind: "command",
  command: ["./quotes", "a b", "[x]"],
  workingDir: "examples/quotes-go",
  build: ["go", "build", "."],
  health: "/health",
  contract: "apps/quotes/openapi.json",
};

/** quotes written like this, in a file with a caller and with comments around. */
function file(quotes: string): string {
  return `# the mesh
trustDomains:
  broker.example:   {federatesWith: [stockmarket.example]}
  stockmarket.example: {federatesWith: [broker.example]}

workloads:
  quotes:
    spiffeId: spiffe://stockmarket.example/quotes   # who it is
${quotes}
    # calls nobody
  broker: {spiffeId: "spiffe://broker.example/webapp", app: {node: a.ts}, calls: {quotes: [GET /quotes]}} # the caller

`;
}

function edited(quotes: string, app: App): string {
  return withApp(file(quotes), { file: "mesh.yaml", workload: "quotes", app });
}

test("the shipped mesh.yaml changes in one value", ({ expect }) => {
  const text = withApp(shipped, { file: "mesh.yaml", workload: "quotes", app: go });
  expect(text).toBe(
    shipped.replace(
      "{ node: apps/quotes/server.ts, contract: apps/quotes/openapi.json }",
      '{ command: [./quotes, a b, "[x]"], workingDir: examples/quotes-go, build: [go, build, .], contract: apps/quotes/openapi.json }',
    ),
  );
});

test.for<readonly [how: string, before: string, after: string]>([
  ["in one line, with a comment behind", "    app: { node: q.ts } # the app", "    app: { node: new.ts } # the app"],
  ["without padding", "    app: {node: 'q.ts'}", "    app: {node: 'new.ts'}"],
  [
    "in lines",
    "    app: # how it is run\n      # a program\n      node: q.ts # this one",
    "    app: # how it is run\n      # a program\n      node: new.ts # this one",
  ],
  ["in several lines of brackets", "    app: {\n      node: q.ts\n      }", "    app: { node: new.ts }"],
  ["as JSON", '    "app": {"node": "q.ts"}', '    "app": {"node": "new.ts"}'],
])("an app that is written %s stays like that", ([, before, after], { expect }) => {
  expect(edited(before, node)).toBe(file(after));
});

test("keys that stay keep their place in the text and their comments, those of another kind go", ({ expect }) => {
  const before = `    app:
      node: q.ts # goes
      # what is asked of it
      contract: 'apps/quotes/openapi.json' # by everybody

      health: /ready # goes
    publish: 127.0.0.1:9000`;
  expect(edited(before, go)).toBe(
    file(`    app:
      command: [./quotes, a b, "[x]"]
      workingDir: examples/quotes-go
      build: [go, build, .]
      # what is asked of it
      contract: 'apps/quotes/openapi.json' # by everybody
    publish: 127.0.0.1:9000`),
  );
});

test("comments inside of brackets stay with the key they are about", ({ expect }) => {
  const before = "    app: {\n      node: q.ts,\n      # what is asked of it\n      contract: c.json\n      }";
  const text = edited(before, { ...node, contract: "c.json" });
  expect(text).toContain("# what is asked of it\n");
  expect(parseMesh(text, { file: "mesh.yaml" }).workloads[0]?.app).toEqual({ ...node, contract: "c.json" });
});

const twice = (first: string, second: string): string =>
  file(`    app: ${first}`).replace("app: {node: a.ts}", `app: ${second}`);

test("an app that stands for another by an alias gets its own text", ({ expect }) => {
  const options = { file: "mesh.yaml", workload: "broker", app: node };
  expect(withApp(twice("&one {node: q.ts}", "*one "), options)).toBe(twice("&one {node: q.ts}", "{ node: new.ts } "));
});

test("an anchor moves to where it is used next", ({ expect }) => {
  const options = { file: "mesh.yaml", workload: "quotes", app: node };
  expect(withApp(twice("&one {node: q.ts}", "*one "), options)).toBe(twice("{node: new.ts}", "&one { node: q.ts } "));
});

test("what is used inside of an app that goes is not lost without a word", ({ expect }) => {
  const text = twice("{node: q.ts, contract: &api api.json}", "{node: a.ts, contract: *api}");
  expect(() => withApp(text, { file: "mesh.yaml", workload: "quotes", app: node })).toThrow(
    expect.objectContaining({ code: "MESH_INPUT_INVALID", details: ["app:", "  node: new.ts"] }),
  );
  const kept = withApp(text, { file: "mesh.yaml", workload: "quotes", app: { ...node, contract: "api.json" } });
  expect(kept).toBe(twice("{node: new.ts, contract: &api api.json}", "{node: a.ts, contract: *api}"));
});

test("an app with which the mesh would not be valid is refused as in any mesh.yaml", ({ expect }) => {
  const app: App = { ...node, listen: { host: "192.0.2.1", port: 80 } };
  expect(() => edited("    app: {node: q.ts}", app)).toThrow(expect.objectContaining({ code: "MESH_FILE_INVALID" }));
});
