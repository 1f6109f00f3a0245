// C15–C17: somebody answers in the callee's place. The caller's sidecar must send him nothing, whatever certificate he shows.

import { createServer } from "node:tls";

import type { Claim, Refused } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, type Seen } from "../instance/probe.ts";
import {
  answeringAs,
  answeringPlainly,
  callCallee,
  intercepted,
  namedByItsOwnCa,
  towardsCallee,
} from "./callees-place.ts";
import * as inbound from "./certificates.ts";

const { local } = inbound;

const callee = (mesh: PrivateMesh): string => mesh.callee.spiffeId;

const wrongId = towardsCallee(inbound.wrongId);
const noStore = towardsCallee(inbound.noStore);
const unknownIssuer = towardsCallee(inbound.noChain());
const silent: Refused = { ...wrongId, counter: "callee: upstream_cx_connect_timeout", reason: /connection timeout/ };

function twoIds(isTurned: boolean) {
  return async (mesh: PrivateMesh): Promise<Shown> => {
    const uris = [callee(mesh), `spiffe://${mesh.callee.trustDomain}/other`];
    return local(mesh).issue({ uris: isTurned ? uris.toReversed() : uris });
  };
}

/** Stands in for the callee with a certificate of its own CA, gives tickets, and looks whether the caller comes back with one. */
export async function resumeAsCaller(mesh: PrivateMesh): Promise<Seen> {
  const { cert, key } = await local(mesh).issue({ uris: [callee(mesh)] });
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  let session = noSession;
  server.on("secureConnection", (socket) => {
    session = { ...noSession, protocol: socket.getProtocol() ?? "", reused: socket.isSessionReused() };
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  });
  const release = mesh.relay.intercept((socket) => server.emit("connection", socket));
  try {
    await callCallee(mesh);
    mesh.relay.cut();
    const again = await callCallee(mesh);
    return again.kind === "http" ? { ...again, session } : again;
  } finally {
    release();
  }
}

export const hostileCallee: readonly Claim[] = [
  {
    id: "C15",
    title: "nobody but the callee is sent the request",
    clause: "SPIFFE_Federation.md 7.3; X509-SVID.md 2",
    attempts: [
      answeringAs(
        "another workload of the callee's domain",
        async (mesh) => local(mesh).issue({ uris: [`spiffe://${mesh.callee.trustDomain}/other`] }),
        wrongId,
      ),
      answeringAs(
        "the callee's ID by the hostile partner's CA",
        async (mesh) => mesh.hostile.authority.issue({ uris: [callee(mesh)] }),
        unknownIssuer,
      ),
      answeringAs(
        "the callee's ID by an unknown CA",
        async (mesh) => mesh.unknown.issue({ uris: [callee(mesh)] }),
        unknownIssuer,
      ),
      answeringAs(
        "the partner's ID first, the callee's second",
        async (mesh) =>
          mesh.hostile.authority.issue({ uris: [`spiffe://${mesh.hostile.trustDomain}/x`, callee(mesh)] }),
        noStore,
      ),
      answeringAs(
        "a genuine SVID of the hostile partner",
        async (mesh) => mesh.hostile.authority.issue({ uris: [`spiffe://${mesh.hostile.trustDomain}/x`] }),
        noStore,
      ),
      answeringAs(
        "the callee's first, the partner's second",
        async (mesh) =>
          mesh.hostile.authority.issue({ uris: [callee(mesh), `spiffe://${mesh.hostile.trustDomain}/x`] }),
        unknownIssuer,
      ),
      answeringAs("two IDs by the callee's own CA, the callee's first", twoIds(false), namedByItsOwnCa),
      answeringAs("two IDs by the callee's own CA, the callee's second", twoIds(true), namedByItsOwnCa),
      answeringAs(
        "an expired SVID of the callee",
        async (mesh) => local(mesh).issue({ uris: [callee(mesh)], from: -7200, until: -3600 }),
        towardsCallee(inbound.expired),
      ),
      answeringAs(
        "the callee's CA certificate itself",
        async (mesh) => local(mesh).itself(),
        towardsCallee(inbound.tlsError(/KEY USAGE BIT INCORRECT/)),
      ),
    ],
  },
  {
    id: "C16",
    title: "a callee that speaks no TLS is sent nothing",
    clause: "X509-SVID.md 5",
    attempts: [
      answeringPlainly("plain HTTP in the callee's place"),
      {
        tried: "silence in the callee's place",
        run: async (mesh) =>
          intercepted(
            mesh,
            (socket) => socket.resume(),
            () => undefined,
          ),
        // It is tried three times, two seconds each.
        expected: silent,
      },
    ],
  },
  {
    id: "C17",
    title: "a callee that changes its identity loses the next connection",
    clause: "SPIFFE-ID.md 2",
    attempts: [
      {
        tried: "first the callee itself, on the next connection another workload of its domain",
        run: async (mesh) => {
          const good = await callCallee(mesh);
          if (good.kind !== "http" || good.status !== 200)
            return { kind: "closed", code: "the callee itself did not answer" };
          mesh.app.take();
          const other = answeringAs(
            "",
            async () => local(mesh).issue({ uris: [`spiffe://${mesh.callee.trustDomain}/other`] }),
            wrongId,
          );
          return other.run(mesh);
        },
        expected: wrongId,
      },
    ],
  },
];
