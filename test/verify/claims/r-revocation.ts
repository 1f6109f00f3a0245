// R: what ends. These take seconds, on a mesh whose connections live for seconds.

import { connect } from "node:tls";

import { controllerClient } from "../../../scripts/control/client.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { until } from "../../../scripts/wait.ts";
import type { Claim } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { allowedRequest, control, rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, type Seen } from "../instance/probe.ts";
import { told } from "../instance/users.ts";
import { keptOpen } from "./flood.ts";

/** Beside what the sidecar waits for exchanges under way (drain_timeout, 2 s). */
const graceMs = 4000;

export const revocation: readonly Claim[] = [
  {
    id: "R1",
    title: "a connection does not outlive its age, however busy it is",
    clause: "envoyproxy/envoy#17999: rotation does not drain",
    attempts: [
      {
        tried: "a request every 100 ms on one connection",
        run: (mesh) => stayConnected(mesh, rightful(mesh)),
        expected: { kind: "ended" },
      },
    ],
  },
  {
    id: "R2",
    title: "nor does an exchange that does not end",
    clause: "Envoy, max_stream_duration",
    attempts: [{ tried: "an answer that goes on and on", run: endlessAnswer, expected: { kind: "ended" } }],
  },
  {
    id: "R3",
    title: "a partner that is not federated with any more is refused at once, and cut off within a connection's age",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      {
        tried: "a workload of the partner: new connections, and one from before",
        run: partnerLeaves,
        expected: { kind: "ended" },
      },
    ],
  },
  {
    id: "R4",
    title: "who may not call any more is denied from the next request on, also on a connection of before",
    clause: "NIST SP 800-207A, 4.2",
    attempts: [
      {
        tried: "a request on an open connection, when its edge, the callee's last, has been taken out",
        run: lastCallerLeaves,
        expected: {
          kind: "denied",
          by: "Envoy",
          saw: /^200, then 403$/,
          control: {
            tried: "its edge as it was",
            run: async (mesh) => told((await control(mesh)) || "200"),
            saw: /^200$/,
          },
        },
      },
    ],
  },
];

/** Sends requests on one connection, one every 100 ms, until the other side ends it. */
async function stayConnected(mesh: PrivateMesh, shown: Promise<Shown>): Promise<Seen> {
  return untilEnded(mesh, await shown, { everyMs: 100 });
}

async function endlessAnswer(mesh: PrivateMesh): Promise<Seen> {
  mesh.app.answerWith("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
  try {
    return await untilEnded(mesh, await rightful(mesh), {});
  } finally {
    mesh.app.answerWith(undefined);
  }
}

/** One request, or one every so often, on one connection. An end before any answer is none. */
async function untilEnded(
  mesh: PrivateMesh,
  { cert, key }: Shown,
  { everyMs }: { readonly everyMs?: number },
): Promise<Seen> {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  const tls = { cert, key, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] };
  const socket = connect({ ...inboundOf(mesh.callee), ...tls });
  const request = allowedRequest(mesh).replace("connection: close\r\n", "");
  let isServed = false;
  const late = setTimeout(
    () => resolve({ kind: "timeout" }),
    mesh.callee.maxConnectionSeconds.inbound * 1000 + graceMs,
  );
  const more = everyMs === undefined ? undefined : setInterval(() => socket.write(request), everyMs);
  socket.once("secureConnect", () => socket.write(request));
  socket.on("data", () => (isServed = true));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => resolve(isServed ? { kind: "closed" } : { kind: "told", text: "it was never served" }));
  try {
    return await promise;
  } finally {
    clearInterval(more);
    clearTimeout(late);
    socket.destroy();
  }
}

/** The partner's workload is served; then an operator takes the relationship out of the description. */
async function partnerLeaves(mesh: PrivateMesh): Promise<Seen> {
  const shown = mesh.hostile.authority.issue({ uris: [mesh.partnerId] });
  const ask = async (): Promise<Seen> =>
    probe(inboundOf(mesh.callee), { shown: await shown, raw: allowedRequest(mesh) });
  const before = await ask();
  if (before.kind !== "http" || before.status !== 200) return { kind: "told", text: "it was not served before" };
  const old = stayConnected(mesh, shown);
  try {
    await applyToAll(mesh, without(mesh.plan, mesh.hostile.trustDomain));
    await until("new connections of the partner are refused", async () => isRefusal(await ask()), {
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

async function lastCallerLeaves(mesh: PrivateMesh): Promise<Seen> {
  await using kept = await keptOpen(mesh);
  const status = async (): Promise<string | undefined> => (await kept.ask()).split(" ")[1];
  try {
    const before = await status();
    await applyToAll(mesh, withoutCallers(mesh));
    return told(`${before}, then ${await status()}`);
  } finally {
    await applyToAll(mesh, mesh.plan);
    await until("the caller is served again", async () => (await control(mesh)) === "", {
      deadlineMs: 10_000,
      intervalMs: 100,
    });
  }
}

function withoutCallers({ plan, callee: { workload } }: PrivateMesh): Plan {
  const domains = plan.domains.map((domain) => ({
    ...domain,
    sidecars: domain.sidecars.map(({ inbound, ...rest }) =>
      rest.workload === workload || inbound === undefined ? rest : { ...rest, inbound },
    ),
  }));
  return { ...plan, domains, edges: plan.edges.filter(({ callee }) => callee.workload !== workload) };
}

/** Silence is none. */
function isRefusal({ kind }: Seen): boolean {
  return kind === "alert" || kind === "closed";
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
