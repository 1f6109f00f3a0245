// Who may use what: the callee's sidecar refuses all else, and the app behind it receives nothing. Beside each refusal
// stands the request that is allowed.

import type { InboundCounters } from "../../scripts/observe/facts.ts";
import type { Description } from "./description.ts";
import { freePort } from "./free-port.ts";
import { dialWorkload, mintSvid, type Minted } from "./inside.ts";
import { meshTest } from "./mesh.ts";
import type { Place } from "./place.ts";
import { witness } from "./witness.ts";

const ledgerPort = await freePort();
const ledger = witness(ledgerPort);

/** desk of broker.example may GET entries of ledger of stockmarket.example. */
function deskAndLedger(port: number): Description {
  const app = { node: "apps/tests/witness.ts" };
  return {
    trustDomains: {
      "broker.example": { federatesWith: ["stockmarket.example"] },
      "stockmarket.example": { federatesWith: ["broker.example"] },
    },
    workloads: {
      desk: {
        spiffeId: "spiffe://broker.example/desk",
        app,
        publish: `127.0.0.1:${port}`,
        calls: { ledger: ["GET /entries", "POST /entries/*"] },
      },
      ledger: { spiffeId: "spiffe://stockmarket.example/ledger", app, publish: `127.0.0.1:${ledgerPort}` },
    },
  };
}

const test = meshTest({ description: deskAndLedger, withTestApps: true });

async function counters(mesh: Place): Promise<InboundCounters> {
  const { trustDomains } = await mesh.status();
  const sidecars = trustDomains.flatMap(({ facts }) => [...(facts?.sidecars ?? [])]);
  const found = sidecars.find(({ workload }) => workload === "ledger")?.inbound;
  if (found === undefined) throw new Error("the ledger's sidecar shows no inbound counters");
  return found;
}

const fromDesk = "URI=spiffe://broker.example/desk";

test("what the rules allow reaches the app, with the caller's SPIFFE ID", async ({ mesh, expect }) => {
  const desk = witness(mesh.port);
  const before = await ledger.received();
  for (const [method, path] of [
    ["GET", "/entries"],
    ["GET", "/entries?from=1"],
    ["POST", "/entries/7"],
  ] as const)
    expect(await desk.call("ledger", path, method)).toMatchObject({ status: 200 });
  expect((await ledger.received()).slice(before.length)).toEqual([
    { method: "GET", path: "/entries", caller: expect.stringContaining(fromDesk) },
    { method: "GET", path: "/entries?from=1", caller: expect.stringContaining(fromDesk) },
    { method: "POST", path: "/entries/7", caller: expect.stringContaining(fromDesk) },
  ]);
});

test.for([
  ["GET", "/entries/7"],
  ["GET", "/entriesx"],
  ["GET", "/secret"],
  ["GET", "/"],
  ["POST", "/entries"],
  ["DELETE", "/entries"],
  ["GET", "/Entries"],
] as const)(
  "%s %s is refused by the callee's sidecar and does not reach the app",
  async ([method, path], { mesh, expect }) => {
    const desk = witness(mesh.port);
    // Asking for status probes the edge, which the app receives.
    const [before, received] = [await counters(mesh), await ledger.received()];
    expect(await desk.call("ledger", path, method)).toEqual({ status: 403, body: "RBAC: access denied" });
    expect(await ledger.received()).toEqual(received);
    const after = await counters(mesh);
    expect(after.refused.rule - before.refused.rule).toBe(1);
    expect(await desk.call("ledger", "/entries")).toMatchObject({ status: 200 });
  },
);

/** What the ledger's sidecar answers to whoever shows this certificate: the first line, or why none. */
async function knock(mesh: Place, svid: Minted | undefined, headers = ""): Promise<string> {
  const send = `GET /entries HTTP/1.1\r\nhost: ledger\r\n${headers}connection: close\r\n\r\n`;
  const { answer, problem } = await dialWorkload(mesh, "ledger", { ...svid, send });
  return problem === undefined ? answer : `refused: ${problem}`;
}

/** An alert or a closed connection; not an answer, and not silence. */
const refused = /^(?:refused: (?!no answer).*)?$/s;

test("a workload that is no declared caller is refused, though its SVID is genuine", async ({ mesh, expect }) => {
  const rightful = await mintSvid(mesh, "spiffe://broker.example/desk");
  expect(await knock(mesh, rightful)).toBe("HTTP/1.1 200 OK");
  // Asking for status probes the edge, which the app receives.
  const [before, received] = [await counters(mesh), await ledger.received()];
  const other = await mintSvid(mesh, "spiffe://broker.example/other");
  expect(await knock(mesh, other)).toMatch(refused);
  expect(await ledger.received()).toEqual(received);
  const after = await counters(mesh);
  expect(after.refused.spiffeId - before.refused.spiffeId).toBe(1);
});

test("whoever shows no certificate is refused", async ({ mesh, expect }) => {
  // Asking for status probes the edge, which the app receives.
  const [before, received] = [await counters(mesh), await ledger.received()];
  expect(await knock(mesh, undefined)).toMatch(refused);
  expect(await ledger.received()).toEqual(received);
  const after = await counters(mesh);
  expect(after.refused.noCertificate - before.refused.noCertificate).toBe(1);
});

const forged = "URI=spiffe://stockmarket.example/auditor";

test("a caller cannot say that it is somebody else", async ({ mesh, expect }) => {
  const before = await ledger.received();
  const rightful = await mintSvid(mesh, "spiffe://broker.example/desk");
  expect(await knock(mesh, rightful, `x-forwarded-client-cert: ${forged}\r\n`)).toBe("HTTP/1.1 200 OK");
  const [received] = (await ledger.received()).slice(before.length);
  expect(received?.caller).toContain(fromDesk);
  expect(received?.caller).not.toContain(forged);
});

test("whoever opens the published page cannot say that it is a workload", async ({ expect }) => {
  const before = await ledger.received();
  const headers = { "x-forwarded-client-cert": fromDesk };
  await fetch(`http://127.0.0.1:${ledgerPort}/hello`, { headers, signal: AbortSignal.timeout(5000) });
  expect((await ledger.received()).slice(before.length)).toEqual([{ method: "GET", path: "/hello" }]);
});
