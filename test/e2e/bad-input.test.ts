// What a user can get wrong: each is said in words, with what to do, before anything is started.

import { rm } from "node:fs/promises";
import { createServer } from "node:net";

import { describe } from "vitest";

import { placeTest as test } from "./mesh.ts";

const domains = `trustDomains:
  broker.example: { federatesWith: [stockmarket.example] }
  stockmarket.example: { federatesWith: [broker.example] }
`;
const quotes = `  quotes:
    spiffeId: spiffe://stockmarket.example/quotes-service
    app: { node: apps/quotes/server.ts }
`;

interface Mistake {
  readonly title: string;
  readonly text: string;
  /** Line and column, and words of the message. */
  readonly says: RegExp;
}

const mistakes: readonly Mistake[] = [
  { title: "no YAML", text: "trustDomains: {\nworkloads: ]\n", says: /mesh\.yaml:2:\d+ / },
  { title: "an unknown key", text: `${domains}workload:\n${quotes}`, says: /mesh\.yaml:4:1 .*workloads/ },
  {
    title: "an invalid SPIFFE ID",
    text: `${domains}workloads:\n${quotes.replace("quotes-service", "quotes//service")}`,
    says: /mesh\.yaml:6:15 .*spiffe:\/\/stockmarket\.example\/quotes\/\/service/,
  },
  {
    title: "an edge to a trust domain that is not federated with",
    text: `trustDomains:
  broker.example: {}
  stockmarket.example: {}
workloads:
  broker:
    spiffeId: spiffe://broker.example/webapp
    app: { node: apps/broker/server.ts }
    calls: { quotes: [GET /quotes] }
${quotes}`,
    says: /mesh\.yaml:8:14 .*federat/,
  },
  {
    title: "one SPIFFE ID for two workloads",
    text: `${domains}workloads:\n${quotes}${quotes.replace("quotes:", "others:")}`,
    says: /mesh\.yaml:9:15 .*line 6/,
  },
  {
    title: "a CA that lives too short to be known to partners",
    text: `${domains.replace("] }", "], ttl: { ca: 10m } }")}workloads:\n${quotes}`,
    says: /mesh\.yaml:2:70 .*`ca: 10m` is unsafe.*write `ca: \d+m` or more/,
  },
  {
    title: "an SVID that outlives its CA",
    text: `${domains.replace("] }", "], ttl: { ca: 75m, x509Svid: 1h } }")}workloads:\n${quotes}`,
    says: /mesh\.yaml:2:85 .*a sixth of/,
  },
];

describe("a mesh.yaml with", () => {
  test.for(mistakes)("$title", async ({ text, says }, { newPlace, expect }) => {
    const place = await newPlace();
    await place.edit(text);
    const { status, stdout, stderr } = await place.mesh("up");
    expect(stderr).toMatch(/^error\[MESH_FILE_INVALID\]: /);
    expect(stderr).toMatch(says);
    expect(stdout).toBe("");
    expect(status).toBe(65);
  });

  test("several mistakes is told all of them at once", async ({ newPlace, expect }) => {
    const place = await newPlace();
    await place.edit(
      `${domains.replace("stockmarket.example]", "nowhere.example]")}workloads:\n${quotes.replace("node:", "nodes:")}`,
    );
    const { status, stderr } = await place.mesh("up");
    expect(stderr).toMatch(/mesh\.yaml:2:\d+ .*nowhere\.example/);
    expect(stderr).toMatch(/mesh\.yaml:7:\d+ .*did you mean `node`/);
    expect(status).toBe(65);
  });
});

test("a mesh.yaml that is not there is named, and what to do about it", async ({ newPlace, expect }) => {
  const place = await newPlace();
  await rm(place.meshFile);
  const { status, stderr } = await place.mesh("up");
  expect(stderr).toContain(`error[MESH_FILE_MISSING]: ${place.meshFile} does not exist`);
  expect(stderr).toContain("fix: ");
  expect(status).toBe(65);
});

test("a published port that is taken is told with who has it, before anything starts", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const taker = createServer();
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  taker.listen({ host: "127.0.0.1", port: place.port }, resolve);
  await listening;
  try {
    const { status, stderr } = await place.mesh("up");
    expect(stderr).toContain(`error[MESH_PORT_TAKEN]: 127.0.0.1:${place.port}, where broker-sidecar is to listen,`);
    expect(stderr).toContain(`is taken by pid ${process.pid}`);
    expect(stderr).toContain(`fix: end it: kill ${process.pid}`);
    expect(status).toBe(2);
  } finally {
    taker.close();
  }
  expect((await place.mesh("ps")).stderr).toContain("error[MESH_NOT_UP]");
});

test("a state folder that holds something else is left alone", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const { status, stderr } = await place.mesh("--state", place.dir, "up");
  expect(stderr).toContain(`error[MESH_STATE_INVALID]: ${place.dir} is not a state folder, and not empty`);
  expect(status).toBe(2);
});

describe("the command line is refused as a usage error:", () => {
  test.for([
    { typed: "frobnicate" },
    { typed: "--nope up" },
    { typed: "up everything" },
    { typed: "restart" },
    { typed: "test everything" },
  ])("$typed", async ({ typed }, { newPlace, expect }) => {
    const { status, stdout, stderr } = await (await newPlace()).mesh(...typed.split(" "));
    expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
    expect(stderr).not.toBe("");
  });
});
