// Somebody answers in the callee's place: the caller's app calls, and the attacker has the connection between the two sidecars.

import type { Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";

import type { Admitted, Attempt, Refused } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { allowedRequest, callOut } from "../instance/control.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, type Seen } from "../instance/probe.ts";
import { tlsError } from "./certificates.ts";

type Mint = (mesh: PrivateMesh) => Promise<Shown | undefined>;

/** What the callee's sidecar says of a caller, the caller's says of a callee; the caller's app gets 503. */
export function towardsCallee(refused: Refused<KeyedMesh>): Refused<KeyedMesh> {
  return { ...refused, by: "outbound", counter: refused.counter.replace(/^inbound: /, "callee: "), status: [503] };
}

/** Inbound, the RBAC filter compares the whole list (A14); no filter sees a server's certificate. */
export const namedByItsOwnCa: Admitted<KeyedMesh> = {
  kind: "admitted",
  why: "the callee's own CA named it the callee, beside another ID of its own trust domain, which it may name as it likes",
};

interface More extends Pick<Attempt, "instead" | "notHere"> {
  readonly tls?: TlsOptions;
}

/** The caller's app calls; the attacker is where the callee should be. */
export function answeringAs(
  tried: string,
  mint: Mint,
  expected: Refused | Admitted,
  { tls = {}, ...more }: More = {},
): Attempt {
  return {
    tried,
    expected,
    ...more,
    run: async (mesh) => {
      const shown = await mint(mesh);
      const server = createServer({
        ...(shown === undefined ? {} : { cert: shown.cert, key: shown.key }),
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["http/1.1"],
        // The attacker's own library must not refuse what the sidecar should.
        ciphers: "DEFAULT@SECLEVEL=0",
        ...tls,
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

/** The caller's app calls; who is where the callee should be answers by plain HTTP. */
export function answeringPlainly(tried: string): Attempt {
  return {
    tried,
    expected: towardsCallee(tlsError(/WRONG VERSION NUMBER|HTTP/)),
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
  };
}

/** Calls through the caller's sidecar while the attacker has the connection. What he gets to read fails the row. */
export async function intercepted(
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
export async function callCallee(mesh: PrivateMesh): Promise<Seen> {
  return callOut(mesh, allowedRequest(mesh), 9000);
}
