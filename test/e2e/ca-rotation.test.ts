// One side changes its CA. The other side learns of it by polling the bundle endpoint, and no request notices.

import "reflect-metadata";

import { connect } from "node:tls";

import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";

import { activateX509Authority, prepareX509Authority } from "../../scripts/trust/rotate.ts";
import { until } from "../../scripts/wait.ts";
import { shortLived } from "./description.ts";
import { connectToServer, domainOf } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { meshTest } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

const test = meshTest({ description: (port) => shortLived(port, "20s") });

/** The bundle of stockmarket.example as it is, and as broker.example holds it. */
async function bundles(mesh: Place) {
  const { trustDomains, bundles: held } = await mesh.status();
  const factsOf = (name: string) => trustDomains.find(({ trustDomain }) => trustDomain === name)?.facts;
  return {
    own: factsOf("stockmarket.example")?.server.bundle?.digest,
    held: factsOf("broker.example")?.partners.find(({ trustDomain }) => trustDomain === "stockmarket.example")?.bundle
      ?.digest,
    state: held.find(({ holder }) => holder === "broker.example")?.state,
  };
}

async function refreshes(mesh: Place): Promise<number> {
  const { stdout } = await mesh.must("logs", "--lines", "2000", "spire-server-broker");
  return stdout.split("\n").filter((line) => line.includes("Bundle refreshed")).length;
}

/** Id of the CA that signed what the quotes sidecar shows to whoever connects. */
async function signerOfQuotes(mesh: Place): Promise<string | undefined> {
  const domain = await domainOf(mesh, "stockmarket.example");
  const address = domain.sidecars.find(({ workload }) => workload === "quotes")?.inbound?.address;
  if (address === undefined) throw new Error("quotes has no inbound address");
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  // The certificate is looked at, not trusted: nothing is sent.
  const socket = connect({ ...address, rejectUnauthorized: false, minVersion: "TLSv1.3" }, () =>
    resolve(socket.getPeerX509Certificate()?.raw),
  );
  socket.once("error", reject);
  try {
    const raw = await promise;
    if (raw === undefined) return undefined;
    return new X509Certificate(new Uint8Array(raw)).getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  } finally {
    socket.destroy();
  }
}

test("a new CA is held by the partner before it signs, and no request fails", async ({ mesh, expect }) => {
  const first = await bundles(mesh);
  const polled = await refreshes(mesh);
  expect(first.held).toBe(first.own);
  await using load = beginLoad(mesh.url("/api/quotes"));
  await using server = await connectToServer(mesh, "stockmarket.example");

  const prepared = await prepareX509Authority(server);
  const followed = async (): Promise<boolean> => {
    const { own, held } = await bundles(mesh);
    return own !== first.own && held === own;
  };
  await until("broker.example holds the bundle with the prepared CA", followed, {
    deadlineMs: 40_000,
    intervalMs: 500,
  });
  expect(await refreshes(mesh)).toBeGreaterThan(polled);

  await activateX509Authority(server);
  const signed = async (): Promise<boolean> => (await signerOfQuotes(mesh)) === prepared.id;
  await until("the quotes sidecar shows an SVID of the new CA", signed, { deadlineMs: 40_000, intervalMs: 200 });
  await quotesFlow(mesh, 5000);
  await load.more(500);

  const { requests, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(1000);
  expect((await bundles(mesh)).state).toBe("current");
});
