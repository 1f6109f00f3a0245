// F10–F12: too many connections, handshakes and requests at once. All of it is bounded, and ended with the attempt.

import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";

import { fetchStats, sumOf } from "../../../scripts/observe/envoy-admin.ts";
import { until } from "../../../scripts/wait.ts";
import type { HostPort } from "../../../scripts/model/mesh.ts";
import type { Attempt, Claim, Refused } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { requestsIn } from "../instance/app-witness.ts";
import { allowedRequest, callOut, rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, type Seen } from "../instance/probe.ts";
import { pageOf, whyNoPage } from "./callers-doors.ts";
import { caller, noChain } from "./certificates.ts";
import { flood, keptOpen, waiting } from "./flood.ts";
import { hurried } from "./hurried.ts";
import { frame, endHeaders, literals, overHttp2 } from "./http2.ts";
import { exactly, madeInto, path, received, requestTo, send, withBody, withoutAnswer } from "./requests.ts";

/** Of the listener; of the one for people; the app's own connections beside them. */
const [most, mostAtPage, mostToApp] = [500, 250, 256];
const tooFar: Refused = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: connection_limit.limited_connections",
  // It is ended before it says who it is: no line.
  reason: /^$/,
};

function strangers(address: HostPort): () => Socket {
  return () => connectTcp(address);
}

function callers({ callee }: PrivateMesh, { cert, key }: Shown): () => Socket {
  return () => connect({ ...inboundOf(callee), cert, key, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
}

/** Ten more than the listener takes; meanwhile the rightful caller goes on with the connection that it has. */
function filling(tried: string, open: (mesh: PrivateMesh) => Promise<() => Socket>): Attempt {
  return {
    tried,
    expected: { ...tooFar, received: exactly((mesh) => received(mesh)) },
    run: async (mesh) => {
      await using kept = await keptOpen(mesh);
      // Awaited here: the connection must live until then.
      return await flood(mesh, { count: most + 9, open: await open(mesh) }, async ({ closed }) => {
        await closed(10);
        await kept.ask();
        return { kind: "closed" };
      });
    },
  };
}

/** Ten more than a page takes; meanwhile the page's app calls as ever. */
async function crowdedPage(mesh: PrivateMesh): Promise<Seen> {
  return flood(mesh, { count: mostAtPage + 10, open: strangers(pageOf(mesh)), at: "published" }, async ({ closed }) => {
    await closed(10);
    await callOut(mesh, requestTo(mesh));
    return { kind: "closed" };
  });
}

async function newCaller(mesh: PrivateMesh): Promise<Seen> {
  return probe(inboundOf(mesh.callee), { shown: await rightful(mesh), raw: allowedRequest(mesh) });
}

/** Tells how many of these the app has at once. Those that wait are ended first, or the app would get them in the others' place. */
async function unansweredAtOnce(mesh: PrivateMesh): Promise<Seen> {
  const count = mostToApp + 24;
  return flood(mesh, { count, open: callers(mesh, await rightful(mesh)) }, async ({ sockets, ended }) => {
    for (const [at, socket] of sockets.entries()) socket.write(requestTo(mesh, { target: `${path(mesh)}?${at}` }));
    const arrived = new Set<string>();
    let last = "";
    await until(
      "all requests are with the app, or wait for it",
      async () => {
        for (const line of requestsIn(mesh.app.take())) arrived.add(line);
        const { active, pending } = await requestsTo(mesh);
        last = `${arrived.size} received, ${active} on their way, ${pending} waiting, ${ended()} ended`;
        // Until its connection is there a request waits too, and more of these than may wait are refused.
        const settled = pending === 0 || active >= mostToApp;
        return settled && active + pending + ended() === count && arrived.size === active;
      },
      { ...waiting, lastSeen: () => last },
    );
    for (const [at, socket] of sockets.entries()) if (!arrived.has(`GET ${path(mesh)}?${at}`)) socket.destroy();
    await until("none waits any more", async () => (await requestsTo(mesh)).pending === 0, waiting);
    return { kind: "told", text: `${arrived.size} requests` };
  });
}

async function requestsTo({ callee }: PrivateMesh): Promise<{ readonly active: number; readonly pending: number }> {
  const stats = await fetchStats(callee.adminSocket, String.raw`^cluster\.[^.]+_app\.upstream_rq_(pending_)?active$`);
  return { active: sumOf(stats, /upstream_rq_active$/), pending: sumOf(stats, /pending_active$/) };
}

/** Two hundred handshakes by an unknown CA, and the rightful caller's among them. */
async function badHandshakes(mesh: PrivateMesh): Promise<Seen> {
  const count = 200;
  const open = callers(mesh, await mesh.unknown.issue({ uris: [caller(mesh)] }));
  await Promise.all([flood(mesh, { count, open }, ({ closed }) => closed(count)), newCaller(mesh)]);
  return { kind: "closed" };
}

const chunked = "transfer-encoding: chunked\r\n";

const halves = 50;

async function resetHalfway(mesh: PrivateMesh): Promise<Seen> {
  await flood(mesh, { count: halves, open: callers(mesh, await rightful(mesh)) }, async ({ sockets }) => {
    for (const socket of sockets) socket.write(withBody(mesh, chunked, "5\r\nhel"));
    await until("they are under way", async () => (await requestsTo(mesh)).active === halves, waiting);
  });
  return { kind: "closed" };
}

export const connections: readonly Claim[] = [
  {
    id: "F10",
    title: "a listener takes five hundred connections, a page 250, an app 256, and what is idle ends",
    clause: "Envoy, connection limit filter, circuit breaking, edge best practices",
    attempts: [
      filling("strangers who never say who they are", async (mesh) => strangers(inboundOf(mesh.callee))),
      filling("connections of the admitted caller", async (mesh) => callers(mesh, await rightful(mesh))),
      {
        tried: "450 strangers, and a new connection of the rightful caller",
        run: (mesh) => flood(mesh, { count: 450, open: strangers(inboundOf(mesh.callee)) }, () => newCaller(mesh)),
        expected: madeInto("below the limit nobody is in the way; at the limit new callers are too", (mesh) =>
          received(mesh),
        ),
      },
      {
        tried: "strangers at the caller's page, while its app calls",
        run: crowdedPage,
        notHere: whyNoPage,
        expected: {
          ...tooFar,
          by: "outbound",
          counter: "published: connection_limit.limited_connections",
          received: exactly((mesh) => received(mesh)),
        },
      },
      withoutAnswer({
        tried: "280 requests at once that the app does not answer",
        run: unansweredAtOnce,
        expected: {
          kind: "admitted",
          why: "the app has 256 of them, and the others wait at the sidecar",
          seen: (seen) => {
            const told = seen.kind === "told" ? seen.text : seen.kind;
            return told === `${mostToApp} requests` ? undefined : `the app has ${told}`;
          },
        },
      }),
      hurried("connection-idle-timeout", {
        tried: "a connection without a request",
        run: (mesh) => send(mesh, "", { deadlineMs: 4000 }),
        expected: { ...tooFar, counter: "inbound: http.downstream_cx_idle_timeout" },
      }),
    ],
  },
  {
    id: "F11",
    title: "handshakes that fail keep nobody out",
    clause: "RFC 8446 4.4.2",
    attempts: [
      {
        tried: "two hundred at once by an unknown CA, and the rightful caller among them",
        run: badHandshakes,
        expected: { ...noChain(), received: exactly((mesh) => received(mesh)) },
      },
    ],
  },
  {
    id: "F12",
    title: "requests that are given up half-way leave nothing behind",
    clause: "CVE-2026-26311, CVE-2026-73513",
    attempts: [
      withoutAnswer({
        tried: "fifty ended in the middle of a chunk",
        run: resetHalfway,
        expected: {
          kind: "refused",
          by: "inbound",
          counter: "inbound: http.downstream_rq_rx_reset",
          reason: /^downstream remote disconnect$/,
          received: (all) => (all.join("").includes("\r\n0\r\n") ? "the app received the end of one" : undefined),
        },
      }),
      overHttp2("by HTTP/2: trailers that do not end the stream, and a reset", [
        frame("headers", { stream: 1, flags: endHeaders, payload: literals([[":method", "GET"]]) }),
        frame("headers", { stream: 1, flags: endHeaders, payload: literals([["x-a", "b"]]) }),
        frame("reset", { stream: 1, payload: Buffer.from([0, 0, 0, 8]) }),
      ]),
    ],
  },
];
