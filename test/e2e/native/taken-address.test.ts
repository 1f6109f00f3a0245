// Somebody else takes a sidecar's address in the moment in which the sidecar is away: it cannot listen, says so, and
// listens again by itself once the address is free.

import { once } from "node:events";
import { createServer, type Server } from "node:net";

import { until } from "../../../scripts/wait.ts";
import { domainOf, killProcess } from "../inside.ts";
import { meshTest } from "../mesh.ts";
import { type Place, quotesFlow } from "../place.ts";

const test = meshTest();

/** Kills the sidecar that listens there and listens in its place. */
async function takeOver(mesh: Place, sidecar: string, address: { host: string; port: number }): Promise<Server> {
  await killProcess(mesh, sidecar);
  const take = async (): Promise<Server | undefined> => {
    const server = createServer((socket) => socket.destroy());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.once("error", () => resolve(false));
    server.listen(address, () => resolve(true));
    return (await promise) ? server : undefined;
  };
  return until("the address is taken", take, { deadlineMs: 5000, intervalMs: 1 });
}

async function problemsOf(mesh: Place): Promise<string> {
  return (await mesh.status()).problems.map(({ what }) => what).join("\n");
}

test("an address that was taken for a moment costs no hand work", async ({ mesh, expect }) => {
  const { sidecars } = await domainOf(mesh, "stockmarket.example");
  const listen = sidecars[0]?.inbound?.address;
  if (listen === undefined) throw new Error("quotes has no inbound listener");
  const server = await takeOver(mesh, "quotes-sidecar", listen);
  const address = `${listen.host}:${listen.port}`;
  const says = `quotes-sidecar is not ready: it cannot listen on ${address}, where somebody else listens`;
  let seen = "";
  const isSaid = async (): Promise<boolean> => (seen = await problemsOf(mesh)).includes(says);
  await until("status says what is wrong", isSaid, { deadlineMs: 30_000, intervalMs: 200, lastSeen: () => seen });
  expect(seen).not.toContain("waits for its SVID spiffe://stockmarket.example");

  server.close();
  await once(server, "close");
  await quotesFlow(mesh, 20_000);
  const isReady = async (): Promise<boolean> => (seen = await problemsOf(mesh)) === "";
  await until("status is ready", isReady, { deadlineMs: 20_000, intervalMs: 200, lastSeen: () => seen });
});
