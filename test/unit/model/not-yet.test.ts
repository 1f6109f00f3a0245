import { test } from "vitest";

import { MeshError } from "../../../scripts/errors.ts";
import { findProblems, parseMesh } from "../../../scripts/model/parse.ts";
import { withApp, withDomain, withWorkload } from "./meshes.ts";

/** The language at its widest: everything design and documentation name. */
const whole = `trustDomains:
  broker.example:
    federatesWith: [stockmarket.example, partner.example]
    ttl: { ca: 24h, x509Svid: 1h }
    bundleEndpoint:
      profile: https_web
      acme: { domain: spire.broker.example, email: ops@broker.example, acceptTerms: true, directory: https://acme.example }
      expose: { listen: 0.0.0.0:8443, url: https://spire.broker.example:8443 }
  stockmarket.example: { name: stockmarket, federatesWith: [broker.example, partner.example] }
  partner.example:
    external:
      url: https://spire.partner.example:8443
      profile: https_spiffe
      spiffeId: spiffe://partner.example/spire/server
      bundle: partners/partner.json
workloads:
  broker:
    spiffeId: spiffe://broker.example/webapp
    app: { node: apps/broker/server.ts }
    publish: 127.0.0.1:8080
    calls: { quotes: [GET /quotes], ledger: { allow: ["* /entries/*"], timeout: 2s }, fx: [GET /rates] }
  quotes:
    spiffeId: spiffe://stockmarket.example/quotes-service
    app:
      command: [./quotes]
      workingDir: examples/quotes-go
      build: [go, build, -o, quotes, .]
      image: debian:12-slim
      contract: apps/quotes/openapi.yaml
    expose: { listen: 0.0.0.0:9443, address: quotes.stockmarket.example:9443 }
  ledger:  { spiffeId: spiffe://broker.example/ledger, app: { image: "nginx:1.29", listen: 127.0.0.1:8000 } }
  fx:      { spiffeId: spiffe://partner.example/fx, address: fx.partner.example:9443 }
  auditor: { spiffeId: spiffe://partner.example/auditor, calls: { quotes: [GET /quotes] } }
`;

function refusal(text: string): MeshError {
  try {
    parseMesh(text, { file: "mesh.yaml" });
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
  throw new Error("the text was accepted");
}

test("the whole language is read; what is not built yet is refused in one sentence each, all at once", ({ expect }) => {
  const error = refusal(whole);
  expect([error.code, error.message, ...error.details]).toMatchInlineSnapshot(`
    [
      "MESH_FILE_NOT_YET",
      "mesh.yaml asks for 6 things not built yet",
      "mesh.yaml:6:7  \`https_web\` is not built yet; write \`profile: https_spiffe\`, without \`acme\`",
      "mesh.yaml:8:7  \`expose\` is not built yet; remove it: the bundle endpoint is reachable inside the mesh",
      "mesh.yaml:11:5  a trust domain that somebody else runs is not built yet; write \`partner.example: {}\` to run it here",
      "mesh.yaml:28:7  \`image\` beside \`command\` is not built yet; write one of them: \`command\` runs on this machine, \`image\` in a container",
      "mesh.yaml:30:5  \`expose\` is not built yet; remove it: the workload is reachable inside the mesh",
      "mesh.yaml:32:53  the \`address\` of a workload that somebody else runs is not built yet; remove the workload",
    ]
  `);
});

test("what is wrong comes before what is not built yet", ({ expect }) => {
  const error = refusal(whole.replace("[broker.example, partner.example]", "[broker.example]"));
  expect([error.code, ...error.details]).toMatchInlineSnapshot(`
    [
      "MESH_FILE_INVALID",
      "mesh.yaml:33:67  \`auditor\` calls \`quotes\`, but \`stockmarket.example\` (line 9) does not federate with \`partner.example\`; write \`federatesWith: [broker.example, partner.example]\` below \`stockmarket.example\`",
    ]
  `);
  expect(findProblems(withApp("image: x, node: a.ts")).map(({ kind }) => kind)).toEqual(["invalid"]);
});

test("the rules of external workloads are checked already", ({ expect }) => {
  const silent = whole
    .replace(", address: fx.partner.example:9443", ", app: { node: a.ts }")
    .replace(/^ {4}expose: .*$/m, "");
  expect(refusal(silent).details).toMatchInlineSnapshot(`
    [
      "mesh.yaml:21:87  \`broker\` cannot reach \`fx\`; write \`address: …\` below \`fx\`",
      "mesh.yaml:32:53  \`fx\` cannot have \`app\`: somebody else runs it; remove it",
      "mesh.yaml:33:67  \`auditor\` cannot reach \`quotes\`; write \`expose: …\` below \`quotes\`",
    ]
  `);
  const foreign = whole.replace("calls: { quotes: [GET /quotes] }", "calls: { fx: [GET /rates] }");
  expect(refusal(foreign).details).toMatchInlineSnapshot(`
    [
      "mesh.yaml:33:67  both ends of this call are run by somebody else; remove it",
    ]
  `);
});

test("gRPC, HTTPS pages and an image for a command are wishes, not mistakes", ({ expect }) => {
  const wishes = [
    withWorkload("app: {node: a.ts}, protocol: grpc"),
    withApp("node: a.ts, grpc: true"),
    withWorkload("app: {node: a.ts}, publish: https://0.0.0.0:8443"),
    withApp("image: debian:12-slim, command: [./a]"),
    withDomain("bundleEndpoint: {expose: {listen: 0.0.0.0:8443, url: https://a.example}}"),
  ];
  expect(wishes.map((text) => [refusal(text).code, ...refusal(text).details].join("  "))).toMatchInlineSnapshot(`
    [
      "MESH_FILE_NOT_YET  mesh.yaml:5:63  gRPC is not built yet: sidecars carry HTTP/1.1; remove \`protocol\`",
      "MESH_FILE_NOT_YET  mesh.yaml:5:62  gRPC is not built yet: sidecars carry HTTP/1.1; remove \`grpc\`",
      "MESH_FILE_NOT_YET  mesh.yaml:5:63  publishing over HTTPS is not built yet; write \`publish: 0.0.0.0:8443\`",
      "MESH_FILE_NOT_YET  mesh.yaml:5:50  \`image\` beside \`command\` is not built yet; write one of them: \`command\` runs on this machine, \`image\` in a container",
      "MESH_FILE_NOT_YET  mesh.yaml:2:32  \`expose\` is not built yet; remove it: the bundle endpoint is reachable inside the mesh",
    ]
  `);
  expect(refusal(withWorkload("app: {node: a.ts}, protocol: http")).code).toBe("MESH_FILE_INVALID");
});
