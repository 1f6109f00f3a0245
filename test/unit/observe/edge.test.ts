import { test } from "vitest";

import { isCrossed, probeEdge } from "../../../scripts/observe/edge.ts";
import { socketFolder, tutorialEdge } from "./fixtures.ts";

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Bodies and headers as Envoy 1.40 sent them with the rendered configuration. */
const reached = { "x-callee-spiffe-id": "spiffe://stockmarket.example/quotes-service" };
const connectError = "upstream connect error or disconnect/reset before headers. reset reason: ";
const address = { host: "127.64.1.2", port: 9443 };

/** Probes an outbound socket that gives this answer, with an admin socket that counts `counted` up at every look. */
async function probed(answer: Answer, counted: readonly string[] = []) {
  await using folder = await socketFolder();
  const socket = await folder.serve("quotes.sock", (_, response) => {
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  let looks = 0;
  const adminSocket = await folder.serve("admin.sock", (_, response) => {
    looks++;
    response.end(counted.map((name) => `cluster.quotes.${name}: ${looks}\n`).join(""));
  });
  const probe = await probeEdge(tutorialEdge({ socket }), { adminSocket, address });
  return probe.kind === "failed" ? probe.reason : probe;
}

test("an answer of the app proves the edge, whatever its status", async ({ expect }) => {
  expect(await probed({ status: 200, headers: reached, body: "[]" })).toMatchObject({
    kind: "answered",
    status: 200,
    path: "/quotes",
  });
  expect(await probed({ status: 500, headers: reached, body: "{}" })).toMatchObject({ kind: "answered", status: 500 });
  expect(await probed({ status: 503, headers: reached, body: '{"code":"QUOTES_UNAVAILABLE"}' })).toMatchObject({
    kind: "answered",
    status: 503,
  });
});

test("an edge without a probe path is not probed", async ({ expect }) => {
  const { probePath: _, ...edge } = tutorialEdge();
  expect(await probeEdge(edge)).toEqual({ kind: "not-probed" });
});

test("a refusal by the policy names the callee's sidecar and the caller", async ({ expect }) => {
  expect(await probed({ status: 403, headers: reached, body: "RBAC: access denied" })).toBe(
    "quotes-sidecar refused the request: its policy has no such rule for spiffe://broker.example/webapp",
  );
});

test("an app that is away is told from a sidecar that is away", async ({ expect }) => {
  const body = `${connectError}remote connection failure`;
  expect(await probed({ status: 503, headers: reached, body })).toBe(
    "quotes-sidecar could not reach its app quotes: remote connection failure",
  );
  expect(await probed({ status: 503, body }, ["upstream_cx_connect_fail"])).toBe(
    "nothing answers as quotes-sidecar at 127.64.1.2:9443: it does not run, or waits for its SVID or a bundle",
  );
});

test.for([
  ["ssl.fail_verify_san", "it presents is a valid SVID, but not that of spiffe://stockmarket.example/quotes-service"],
  ["ssl.fail_verify_error", "it presents does not verify against the bundle of stockmarket.example"],
])("a peer that the caller refused is told by %s", async ([counter, reason], { expect }) => {
  const counted = [counter ?? "", "upstream_cx_connect_fail"];
  const seen = await probed({ status: 503, body: `${connectError}remote connection failure` }, counted);
  expect(seen).toBe(`broker-sidecar refused quotes-sidecar at 127.64.1.2:9443: what ${reason}`);
});

test("a callee that refuses the caller's SVID is told from an app that closes the connection", async ({ expect }) => {
  // TLS 1.3: the refusal comes after the caller's side of the handshake is done, so the answer names the callee.
  const answer = { status: 503, headers: reached, body: `${connectError}connection termination` };
  expect(await probed(answer, ["upstream_cx_destroy_remote_with_active_rq"])).toBe(
    "quotes-sidecar at 127.64.1.2:9443 ended the connection after the handshake: it refuses the SVID of spiffe://broker.example/webapp",
  );
  expect(await probed(answer)).toBe("quotes-sidecar could not reach its app quotes: connection termination");
});

test("a sidecar that has not opened its outbound socket is named", async ({ expect }) => {
  await using folder = await socketFolder();
  const probe = await probeEdge(tutorialEdge({ socket: folder.path("quotes.sock") }));
  expect(probe).toEqual({
    kind: "failed",
    path: "/quotes",
    reason:
      "the outbound socket of broker-sidecar is not open: the sidecar does not run, or waits for its SVID or a bundle",
  });
});

test("no answer in time says how long that was", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("quotes.sock", () => undefined);
  expect(await probeEdge(tutorialEdge({ socket }), { deadlineMs: 30 })).toMatchObject({
    kind: "failed",
    reason: "no answer within 30 ms",
  });
});

test.for([
  [200, true],
  [304, true],
  [401, true],
  [429, true],
  [404, false],
  [405, false],
  [503, false],
] as const)("an answer with %d proves an edge: %s", ([status, proves], { expect }) => {
  expect(isCrossed({ kind: "answered", path: "/quotes", status, ms: 1 })).toBe(proves);
});
