// The network between the two sidecars of an edge: passes bytes on as they come, or hands connections to an attacker who
// answers in the callee's place.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

import type { HostPort } from "../../../scripts/model/mesh.ts";

export interface Relay extends AsyncDisposable {
  /** Where the caller's sidecar believes its callee to be. */
  readonly address: HostPort;
  readonly passOnTo: (callee: HostPort) => void;
  /** New connections go to the attacker until the returned function is called; open ones are ended. */
  readonly intercept: (attacker: (socket: Socket) => void) => () => void;
  /** Ends connections, so that the caller must make a new one. */
  readonly cut: () => void;
}

export async function startRelay(): Promise<Relay> {
  const open = new Set<Socket>();
  let callee: HostPort | undefined;
  let attacker: ((socket: Socket) => void) | undefined;
  const cut = (): void => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    if (attacker !== undefined) {
      attacker(socket);
      return;
    }
    if (callee === undefined) {
      socket.destroy();
      return;
    }
    // Not 40 ms for an acknowledgement before the rest of a handshake is passed on.
    const onward = connect({ ...callee, noDelay: true });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port }: Pick<AddressInfo, "port"> = addressOf(server.address());
  return {
    address: { host: "127.0.0.1", port },
    passOnTo: (to) => (callee = to),
    intercept: (by) => {
      attacker = by;
      cut();
      return () => {
        attacker = undefined;
        cut();
      };
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return address;
}
