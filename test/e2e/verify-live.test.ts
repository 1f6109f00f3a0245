// ./mesh verify --live: what is harmless of the attack matrix, on a mesh that serves. It says what it tried and what not, changes
// nothing, and notices what is wrong there.

import { freezeProcess, thawProcess } from "./inside.ts";
import { meshTest, placeTest } from "./mesh.ts";
import { json, type Place, quotesFlow, runtime } from "./place.ts";
import type { Outcome } from "./command.ts";
import type { VerifyReport } from "../../scripts/output/verify-report.ts";

const test = meshTest();

/** On docker mounts and networks stand in the place of users: those rows are not tried there. */
const around = {
  native: ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G12", "G23", "G24", "G25"],
  docker: ["G4", "G6", "G23"],
};
const rows = ["A1", "A2", "A3", "A4", "A5", "A10", "C1", "C2", "C9", "D1", "D12", ...around[runtime]];

function reportOf(outcome: Outcome): VerifyReport {
  const report: VerifyReport = json(outcome);
  return report;
}

/** What a command that changes nothing leaves as it is: who runs since when, and how often it was restarted. */
async function running(place: Place): Promise<readonly object[]> {
  return (await place.ps()).map(({ name, pid, startedAt, restarts }) => ({ name, pid, startedAt, restarts }));
}

test("tries what is harmless, says why it tries no more, and leaves everything as it is", async ({ mesh, expect }) => {
  const before = await running(mesh);
  const outcome = await mesh.mesh("verify", "--live", "--json");
  const report = reportOf(outcome);
  const failed = report.claims.filter(({ state }) => state === "failed");
  expect([outcome.status, report.holds, failed]).toEqual([0, true, []]);
  expect([report.mesh, report.edge]).toEqual(["live", "broker → quotes"]);
  const tried = report.claims.filter(({ state }) => state !== "not-here");
  expect(tried.map(({ id }) => id)).toEqual(rows);
  for (const { id, why } of report.claims.filter(({ state }) => state === "not-here")) expect(why, id).toBeTruthy();
  expect(report.claims.length).toBeGreaterThan(120);
  const attempts = tried.flatMap((claim) => claim.attempts);
  expect(attempts.length).toBeLessThan(50);
  expect(await running(mesh)).toEqual(before);
  await quotesFlow(mesh, 5000);
});

test("the table names the rows that it does not try by their reason", async ({ mesh, expect }) => {
  const { status, stdout } = await mesh.must("verify", "--live", "--filter", "A10,C15,F");
  expect(status).toBe(0);
  expect(stdout).toContain("Not tried live, but by ./mesh verify on a private instance");
  expect(stdout).toMatch(/it takes the callee's place between the two sidecars +C15, a part of A10$/m);
  expect(stdout).toMatch(/^holds: broker → quotes, the mesh that is up: 1 refused, .* 14 not tried live, 0 failed, /m);
});

test("a sidecar that does not answer refuses nobody", async ({ mesh, expect }) => {
  await freezeProcess(mesh, "quotes-sidecar");
  try {
    const { status, stdout, stderr } = await mesh.mesh("verify", "--live", "--filter", "A1");
    expect(status).toBe(1);
    expect(`${stdout}${stderr}`).toContain("DOES NOT HOLD");
  } finally {
    await thawProcess(mesh, "quotes-sidecar");
  }
  await quotesFlow(mesh, 10_000);
});

test("nothing is taken away from a mesh that serves", async ({ mesh, expect }) => {
  const { status, stderr } = await mesh.mesh("verify", "--live", "--mutations");
  expect(status).toBe(64);
  expect(stderr).toContain("./mesh verify --mutations, which has a private instance");
});

placeTest("where no mesh is up it says so, and what brings one up", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const { status, stdout, stderr } = await place.mesh("verify", "--live");
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("error[MESH_NOT_UP]: the mesh is not up");
  expect(stderr).toMatch(/fix: \.\/mesh up/);
});
