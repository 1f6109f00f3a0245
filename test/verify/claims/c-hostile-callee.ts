// C15–C17: somebody answers in the callee's place. The caller's sidecar must send him nothing, whatever certificate he shows.

import type { Socket } from "node:net";
import { createServer } from "node:tls";

import type { Admitted, Attempt, Claim, Refused } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { allowedRequest, callOut } from "../instance/control.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, type Seen } from "../instance/probe.ts";
import { local } from "./certificates.ts";

type Mint = (mesh: PrivateMesh) => Promise<Shown>;

const callee = (mesh: PrivateMesh): string => mesh.callee.spiffeId;

function refused(counter: string, reason: RegExp): Refused {
  return { kind: "refused", by: "outbound", counter, reason, status: [503] };
}

const wrongId = refused("callee: ssl.fail_verify_san", /SAN match/);
const noChain = (reason: RegExp): Refused => refused("callee: ssl.fail_verify_error", reason);
const noStore = noChain(/no trust bundle store/);
const unknownIssuer = noChain(/unable to get local issuer certificate/);

/** Inbound, the RBAC filter compares the whole list (A14); no filter sees a server's certificate. */
const namedByItsOwnCa: Admitted = {
  kind: "admitted",
  why: "the callee's own CA named it the callee, beside another ID of its own trust domain, which it may name as it likes",
};

function twoIds(isTurned: boolean): Mint {
  return async (mesh) => {
    const uris = [callee(mesh), `spiffe://${mesh.callee.trustDomain}/other`];
    return local(mesh).issue({ uris: isTurned ? uris.toReversed() : uris });
  };
}

/** The caller's app calls; the attacker is where the callee should be. */
function answeringAs(tried: string, mint: Mint, expected: Refused | Admitted): Attempt {
  return {
    tried,
    expected,
    run: async (mesh) => {
      const { cert, key } = await mint(mesh);
      const server = createServer({
        cert,
        key,
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["http/1.1"],
      });
      return intercepted(
        mesh,
        (socket) => server.emit("connection", socket),
        (got) => {
          server.on("secureConnection", (secure) =>
            secure
              .on("data", (data) => {
                got(data);
                // What was read is enough: the caller need not wait for an answer.
                secure.destroy();
              })
              .on("error", () => secure.destroy()),
          );
          server.on("tlsClientError", (_, secure) => secure.destroy());
        },
      );
    },
  };
}

/** Calls through the caller's sidecar while the attacker has the connection. What he gets to read fails the row. */
async function intercepted(
  mesh: PrivateMesh,
  attack: (socket: Socket) => void,
  listen: (got: (data: Buffer) => void) => void,
): Promise<Seen> {
  let stolen = "";
  listen((data) => (stolen += data.toString("latin1")));
  const release = mesh.relay.intercept(attack);
  try {
    const seen = await callCallee(mesh);
    if (stolen === "") return seen;
    return {
      kind: "http",
      status: 200,
      text: `the attacker received ${stolen}`,
      session: noSession,
    };
  } finally {
    release();
  }
}

/** The allowed request by the caller's app; a callee that stays silent is given up after three tries of two seconds. */
async function callCallee(mesh: PrivateMesh): Promise<Seen> {
  return callOut(mesh, allowedRequest(mesh), 9000);
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
        noChain(/certificate has expired/),
      ),
      answeringAs(
        "the callee's ID as DNS name alone",
        async (mesh) => local(mesh).issue({ dns: [callee(mesh)] }),
        noStore,
      ),
      answeringAs(
        "the callee's CA certificate itself",
        async (mesh) => local(mesh).itself(),
        refused("callee: ssl.connection_error", /KEY USAGE BIT INCORRECT/),
      ),
    ],
  },
  {
    id: "C16",
    title: "a callee that speaks no TLS is sent nothing",
    clause: "X509-SVID.md 5",
    attempts: [
      {
        tried: "plain HTTP in the callee's place",
        run: async (mesh) => {
          let read: ((data: Buffer) => void) | undefined;
          return intercepted(
            mesh,
            (socket) =>
              socket.once("data", (hello) => {
                // A ClientHello is no request.
                if (hello[0] !== 0x16) read?.(hello);
                socket.end("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged");
              }),
            (got) => (read = got),
          );
        },
        expected: refused("callee: ssl.connection_error", /WRONG VERSION NUMBER|HTTP/),
      },
      {
        tried: "silence in the callee's place",
        run: async (mesh) =>
          intercepted(
            mesh,
            (socket) => socket.resume(),
            () => undefined,
          ),
        // It is tried three times, two seconds each.
        expected: refused("callee: upstream_cx_connect_timeout", /connection timeout/),
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
