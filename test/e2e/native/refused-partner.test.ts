// A partner whose bundle is of a kind that is not taken: it is federated with no more, in both directions, and a word of
// its own mends nothing until it publishes another.

import { credentials, Client } from "@grpc/grpc-js";

import { until } from "../../../scripts/wait.ts";
import { oddAuthority } from "../../odd-authorities.ts";
import { newAuthority } from "../../verify/instance/authority.ts";
import { domainOf } from "../applied-plan.ts";
import { meshTest } from "../mesh.ts";
import { quotesFlow } from "../place.ts";

const test = meshTest();

/** One length-delimited field 1 (protobuf, "Encoding"). */
function field(content: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 0x7f; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of(0x0a, ...length, rest), content]);
}

const asBytes = (bytes: Buffer): Buffer => bytes;

/** spire.api.server.bundle.v1.Bundle/AppendBundle, which our own programs never call. */
async function appendToBundle(adminSocket: string, der: Uint8Array): Promise<void> {
  const client = new Client(`unix:${adminSocket}`, credentials.createInsecure());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const method = "/spire.api.server.bundle.v1.Bundle/AppendBundle";
  client.makeUnaryRequest(method, asBytes, asBytes, field(field(der)), (error) =>
    error === null ? resolve() : reject(error),
  );
  try {
    await promise;
  } finally {
    client.close();
  }
}

test("a callee whose bundle is refused is not called any more, and status says why", async ({ mesh, expect }) => {
  await quotesFlow(mesh, 5000);
  const { der } = await newAuthority("stockmarket.example");
  const { server } = await domainOf(mesh, "stockmarket.example");
  await appendToBundle(server.adminSocket, oddAuthority(der, "version 1, with extensions"));
  const isCalled = async (): Promise<boolean> => (await fetch(mesh.url("/api/quotes"))).status === 200;
  // Fetched within 15 s, judged within another 15.
  await until("quotes is not called any more", async () => !(await isCalled()), {
    deadlineMs: 45_000,
    intervalMs: 250,
  });
  // A new connection would find Envoy with the bundle that it was handed before.
  await mesh.must("restart", "quotes");
  expect(await isCalled()).toBe(false);
  const { problems, ready } = await mesh.status();
  expect(ready).toBe(false);
  const told = problems.map(({ what }) => what).join("\n");
  expect(told).toContain("broker.example holds no bundle of stockmarket.example: it is refused: X.509 authority");
  const up = await mesh.mesh("up");
  expect(up.status).toBe(2);
  expect(up.stderr).toContain("error[MESH_BUNDLE_UNUSABLE]");
});
