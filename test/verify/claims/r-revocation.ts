// R: what ends. These take seconds, on a mesh whose connections live for seconds.

import { connect } from "node:tls";

import { controllerClient } from "../../../scripts/control/client.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { until } from "../../../scripts/wait.ts";
import type { Attempt, Claim } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { allowedRequest, rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, probe, type Seen } from "../instance/probe.ts";

/** Beside what the sidecar waits for exchanges under way (drain_timeout, 2 s). */
const graceMs = 4000;

function ends(tried: string, run: (mesh: PrivateMesh) => Promise<Seen>, why: string): Attempt {
  return {
    tried,
    run,
    expected: {
      kind: "admitted",
      why,
      seen: (seen) => (seen.kind === "closed" ? undefined : "it was not ended in time"),
    },
  };
}

export const revocation: readonly Claim[] = [
  {
    id: "R1",
    title: "a connection does not outlive its age, however busy it is",
    clause: "envoyproxy/envoy#17999: rotation does not drain",
    attempts: [
      ends(
        "a request every 100 ms on one connection",
        (mesh) => stayConnected(mesh, rightful(mesh)),
        "until the connection's age",
      ),
    ],
  },
  {
    id: "R2",
    title: "nor does an exchange that does not end",
    clause: "Envoy, max_stream_duration",
    attempts: [ends("an answer that goes on and on", endlessAnswer, "until the connection's age")],
  },
  {
    id: "R3",
    title: "a partner that is not federated with any more is refused at once, and cut off within a connection's age",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      ends(
        "a workload of the partner: new connections, and one from before",
        partnerLeaves,
        "until the relationship ended",
      ),
    ],
  },
];

/** Sends requests on one connection until the other side ends it. */
async function stayConnected(mesh: PrivateMesh, shown: Promise<Shown>): Promise<Seen> {
  const { cert, key } = await shown;
  const limitMs = mesh.callee.maxConnectionSeconds.inbound * 1000 + graceMs;
  const { promise, resolve } = Promise.withResolvers<Seen>();
  const socket = connect({
    ...inboundOf(mesh.callee),
    cert,
    key,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  const request = allowedRequest(mesh).replace("connection: close\r\n", "");
  let answers = 0;
  const more = setInterval(() => socket.write(request), 100);
  const late = setTimeout(() => resolve({ kind: "timeout" }), limitMs);
  socket.on("data", () => (answers += 1));
  socket.on("error", () => socket.destroy());
  socket.on("close", () =>
    resolve(answers > 0 ? { kind: "closed", code: "after requests were answered" } : { kind: "timeout" }),
  );
  try {
    return await promise;
  } finally {
    clearInterval(more);
    clearTimeout(late);
    socket.destroy();
  }
}

async function endlessAnswer(mesh: PrivateMesh): Promise<Seen> {
  const limitMs = mesh.callee.maxConnectionSeconds.inbound * 1000 + graceMs;
  mesh.app.answerWith("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
  try {
    const raw = allowedRequest(mesh).replace("connection: close\r\n", "");
    const { cert, key } = await rightful(mesh);
    const { promise, resolve } = Promise.withResolvers<Seen>();
    const socket = connect({
      ...inboundOf(mesh.callee),
      cert,
      key,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    let text = "";
    const late = setTimeout(() => resolve({ kind: "timeout" }), limitMs);
    socket.on("secureConnect", () => socket.write(raw));
    socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
    socket.on("error", () => socket.destroy());
    socket.on("close", () =>
      resolve(text.includes("hello") ? { kind: "closed", code: "after the answer had begun" } : { kind: "timeout" }),
    );
    const seen = await promise;
    clearTimeout(late);
    socket.destroy();
    return seen;
  } finally {
    mesh.app.answerWith(undefined);
  }
}

/** The partner's workload is served; then an operator takes the relationship out of the description. */
async function partnerLeaves(mesh: PrivateMesh): Promise<Seen> {
  const shown = mesh.hostile.authority.issue({ uris: [mesh.partnerId] });
  const ask = async (): Promise<Seen> =>
    probe(inboundOf(mesh.callee), { shown: await shown, raw: allowedRequest(mesh) });
  const before = await ask();
  if (before.kind !== "http" || before.status !== 200)
    return { kind: "http", status: 500, text: "it was not served before", session: noSession };
  const old = stayConnected(mesh, shown);
  try {
    await applyToAll(mesh, without(mesh.plan, mesh.hostile.trustDomain));
    await until("new connections of the partner are refused", async () => (await ask()).kind !== "http", {
      deadlineMs: 5000,
      intervalMs: 50,
    });
    return await old;
  } finally {
    await applyToAll(mesh, mesh.plan);
    await until("the partner is served again", async () => (await ask()).kind === "http", {
      deadlineMs: 10_000,
      intervalMs: 100,
    });
  }
}

async function applyToAll({ plan: { domains } }: PrivateMesh, wanted: Plan): Promise<void> {
  await Promise.all(domains.map((domain) => controllerClient(domain).applyPlan(wanted)));
}

function without(plan: Plan, trustDomain: string): Plan {
  const domains = plan.domains.map((domain) => ({
    ...domain,
    relationships: domain.relationships.filter((partner) => partner.trustDomain !== trustDomain),
    entries: domain.entries.map((entry) => ({
      ...entry,
      federatesWith: entry.federatesWith.filter((one) => one !== trustDomain),
    })),
  }));
  return { ...plan, domains };
}
