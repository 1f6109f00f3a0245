// Many connections at once, all opened, held and ended by one attempt; and the rightful caller's own, opened before them.

import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, TLSSocket } from "node:tls";

import { fetchStats, sumOf } from "../../../scripts/observe/envoy-admin.ts";
import { until } from "../../../scripts/wait.ts";
import { rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { withBody } from "./requests.ts";

export interface Flood {
  readonly sockets: readonly Socket[];
  /** How many have been ended by the other side, or failed. */
  readonly ended: () => number;
  /** Ends when the sidecar has ended at least so many of them. */
  readonly closed: (atLeast: number) => Promise<void>;
}

export interface FloodOptions {
  readonly count: number;
  readonly open: () => Socket;
  /** Where they come in: the callee's sidecar, unless it is the caller's page. */
  readonly at?: "inbound" | "published";
}

/** Whatever comes of it, all connections are ended and the sidecar has seen it before this returns. */
export async function flood<T>(
  mesh: PrivateMesh,
  { count, open, at = "inbound" }: FloodOptions,
  meanwhile: (flood: Flood) => Promise<T>,
): Promise<T> {
  const before = await active(mesh, at);
  const sockets = Array.from({ length: count }, open);
  let ended = 0;
  const settled = sockets.map((socket) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("error", () => socket.destroy());
    // What is not read to its end does not end.
    socket.resume();
    socket.on("close", () => {
      ended += 1;
      resolve();
    });
    // TLS is open when its handshake is done.
    socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => resolve());
    return promise;
  });
  try {
    await Promise.all(settled);
    return await meanwhile({
      sockets,
      ended: () => ended,
      closed: async (atLeast) => {
        await until(`${atLeast} of ${count} are refused`, async () => ended >= atLeast, waiting);
      },
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await until("the sidecar has seen them go", async () => (await active(mesh, at)) <= before, waiting);
  }
}

export const waiting = { deadlineMs: 5000, intervalMs: 10 };

async function active({ caller, callee }: PrivateMesh, at: "inbound" | "published"): Promise<number> {
  const { adminSocket } = at === "inbound" ? callee : caller;
  return sumOf(await fetchStats(adminSocket, String.raw`^http\.${at}\.downstream_(cx|rq)_active$`), /./);
}

export interface Kept extends AsyncDisposable {
  /** The allowed request, on the connection that is open; its answer as it came. */
  readonly ask: () => Promise<string>;
}

/** A connection of the rightful caller that has served a request. */
export async function keptOpen(mesh: PrivateMesh): Promise<Kept> {
  const { cert, key } = await rightful(mesh);
  const socket = connect({
    ...inboundOf(mesh.callee),
    cert,
    key,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  socket.on("error", () => socket.destroy());
  await once(socket, "secureConnect");
  const ask = async (): Promise<string> => {
    socket.write(withBody(mesh, "", ""));
    const [data]: unknown[] = await once(socket, "data", { signal: AbortSignal.timeout(3000) });
    return String(data);
  };
  await ask();
  mesh.app.take();
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}
