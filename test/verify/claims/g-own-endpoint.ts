// G23: the bundle endpoint that SPIRE Server itself serves, which everybody who reaches it may ask.

import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";

import type { Attempt, Claim } from "../claim.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import type { ProbeOptions, Seen } from "../instance/probe.ts";
import { domainOf, told } from "../instance/users.ts";
import { inWords } from "../in-words.ts";

type Options = Pick<ProbeOptions, "maxVersion" | "ecdhCurve">;

/** One request; the answer as a line, and how much came. */
function asking(request: string, options: Options = {}) {
  return async (mesh: LiveMesh): Promise<Seen> => {
    const { host, port } = domainOf(mesh).server.bundleEndpoint;
    const raw = `${request} HTTP/1.1\r\nhost: bundle\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
    return mesh.network.probe({ host, port }, { raw, ...options });
  };
}

const asPartner = { tried: "GET / without a certificate, as partners do", run: asking("GET /"), saw: /^HTTP 200$/ };

function refused<Mesh extends LiveMesh>(tried: string, run: Attempt<Mesh>["run"], saw: RegExp): Attempt<Mesh> {
  return { tried, run, expected: { kind: "denied", by: "SPIRE Server", saw, control: asPartner } };
}

/** `require_pq_kem` is in server.conf all the same: a later version may heed it. */
function notRefused(tried: string, options: Options): Attempt<LiveMesh> {
  const why =
    "SPIRE Server 1.15 applies require_pq_kem to none of its own listeners; a bundle is public, and two SPIRE Servers choose TLS 1.3 with X25519MLKEM768 unasked";
  return { tried, run: asking("GET /", options), expected: { kind: "admitted", why } };
}

const slow = 50;

/** A partner's question beside many connections that never end theirs. */
async function besideSlow(mesh: PrivateMesh): Promise<Seen> {
  const { host, port } = domainOf(mesh).server.bundleEndpoint;
  const sockets: TLSSocket[] = [];
  try {
    for (let count = 0; count < slow; count += 1) {
      const socket = connect({ host, port, rejectUnauthorized: false });
      socket.on("error", () => socket.destroy());
      sockets.push(socket);
    }
    await Promise.all(sockets.map((socket) => once(socket, "secureConnect")));
    for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nhost: ");
    const seen = await asking("GET /")(mesh);
    const open = sockets.filter(({ destroyed }) => !destroyed).length;
    return told(`${inWords(seen)} beside ${open} that are slow`);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

const requests = [
  refused("POST /", asking("POST /"), /^HTTP 405$/),
  refused("DELETE /", asking("DELETE /"), /^HTTP 405$/),
  refused("GET /..", asking("GET /.."), /^HTTP 404$/),
  refused("GET /keys.json", asking("GET /keys.json"), /^HTTP 404$/),
];
const handshakes = [
  notRefused("TLS 1.2", { maxVersion: "TLSv1.2" }),
  notRefused("a key exchange that a quantum computer breaks", { ecdhCurve: "X25519" }),
];

export const ownEndpoint: readonly Claim[] = [
  {
    id: "G23",
    title: "SPIRE Server's bundle endpoint gives its bundle and does nothing else",
    clause: "SPIFFE_Federation.md 5",
    attempts: [
      ...requests,
      refused(
        "a header of 2 MiB",
        asking(`GET / HTTP/1.1\r\nx: ${"x".repeat(2 * 1024 * 1024)}\r\ny: `),
        /^HTTP 431$|closed/,
      ),
      ...handshakes,
      refused(`a question beside ${slow} that are never finished`, besideSlow, new RegExp(`^HTTP 200 beside ${slow} `)),
    ],
    live: [...requests, ...handshakes],
  },
];
