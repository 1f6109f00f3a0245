// ./mesh verify --live: one test per claim of which something is harmless, on the mesh of a state folder, which is up. The suite
// of a mesh that this one finds, and no part of the gate: test/e2e/verify-live.test.ts brings one up for it.

import { test as base } from "vitest";

import { contextOf } from "../../scripts/commands/context.ts";
import { chosen, isChosen } from "./chosen.ts";
import { loadClaims } from "./claims/all.ts";
import { revocation } from "./claims/r-revocation.ts";
import { openLiveMesh } from "./instance/open-live.ts";
import { liveCourt, liveResultOf, tryLive } from "./live.ts";
import { allOfTls13, tlsCounted } from "./handshakes.ts";
import { problemsOf } from "./results.ts";

const { env } = process;
const { signal } = new AbortController();
const surroundings = { cwd: process.cwd(), env, report: () => undefined, signal };

const test = base
  .extend("context", { scope: "file" }, contextOf(chosen.live, surroundings))
  .extend("mesh", { scope: "file" }, async ({ context }, { onCleanup }) => {
    const mesh = await openLiveMesh(context, chosen.edge);
    onCleanup(() => mesh[Symbol.asyncDispose]());
    return mesh;
  })
  .extend("court", { scope: "file" }, async ({ mesh }) => liveCourt(await mesh.crosses()));

const claims = [...loadClaims(), ...revocation].filter(({ id }) => isChosen(id));

for (const claim of claims.filter(({ live }) => live !== undefined))
  test(`${claim.id} ${claim.title}`, async ({ mesh, court, task, expect }) => {
    const { result, evidence } = await tryLive(mesh, court, claim);
    Object.assign(task.meta, { claims: [result] });
    expect(evidence.flatMap((one) => problemsOf(one).map((problem) => `${one.tried}: ${problem}`))).toEqual([]);
  });

test("rows of which nothing is tried live say why", async ({ mesh, task, expect }) => {
  const absent = claims.filter(({ live }) => live === undefined).map((claim) => liveResultOf(claim, []));
  Object.assign(task.meta, { claims: absent, edge: `${mesh.edge.caller} → ${mesh.edge.callee}` });
  for (const { id, why } of absent) expect(why, id).toBeTruthy();
});

test("every handshake of both sidecars was of TLS 1.3, and none resumed a session", async ({ mesh, expect }) => {
  expect(await tlsCounted(mesh)).toEqual(allOfTls13(mesh));
});

test("a rightful request crosses before and after", async ({ mesh, court, expect }) => {
  expect(await court.control(mesh)).toBe("");
  expect(await mesh.crosses()).toBe("");
});
