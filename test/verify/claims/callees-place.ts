// Somebody answers in the callee's place: the caller's app calls, and the attacker has the connection between the two sidecars.

import type { Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";

import type { Admitted, Attempt, Refused } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { allowedRequest, callOut } from "../instance/control.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, type Seen } from "../instance/probe.ts";

type Mint = (mesh: PrivateMesh) => Promise<Shown>;

/** What the callee's sidecar says of a caller, the caller's says of a callee; the caller's app gets 503. */
export function towardsCallee(refused: Refused): Refused {
  return { ...refused, by: "outbound", counter: refused.counter.replace(/^inbound: /, "callee: "), status: [503] };
}

/** The caller's app calls; the attacker is where the callee should be. */
export function answeringAs(tried: string, mint: Mint, expected: Refused | Admitted, tls: TlsOptions = {}): Attempt {
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
