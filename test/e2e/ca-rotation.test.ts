// One side changes its CA. The other side learns of it by polling the bundle endpoint, and no request notices.

import "reflect-metadata";

import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";

import { until } from "../../scripts/wait.ts";
import { shortLived } from "./description.ts";
import { activateX509Authority, dialWorkload, prepareX509Authority } from "./inside.ts";
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
  const { shown } = await dialWorkload(mesh, "quotes");
  if (shown === undefined) return undefined;
  const certificate = new X509Certificate(new Uint8Array(Buffer.from(shown, "base64")));
  return certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
}

test("a new CA is held by the partner before it signs, and no request fails", async ({ mesh, expect }) => {
  const first = await bundles(mesh);
  const polled = await refreshes(mesh);
  expect(first.held).toBe(first.own);
  await using load = beginLoad(mesh.url("/api/quotes"));

  const prepared = await prepareX509Authority(mesh, "stockmarket.example");
  const followed = async (): Promise<boolean> => {
    const { own, held } = await bundles(mesh);
    return own !== first.own && held === own;
  };
  await until("broker.example holds the bundle with the prepared CA", followed, {
    deadlineMs: 40_000,
    intervalMs: 500,
  });
  expect(await refreshes(mesh)).toBeGreaterThan(polled);

  await activateX509Authority(mesh, "stockmarket.example", prepared);
  const signed = async (): Promise<boolean> => (await signerOfQuotes(mesh)) === prepared;
  await until("the quotes sidecar shows an SVID of the new CA", signed, { deadlineMs: 40_000, intervalMs: 200 });
  await quotesFlow(mesh, 5000);
  await load.more(500);

  const { requests, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(1000);
  expect((await bundles(mesh)).state).toBe("current");
});
