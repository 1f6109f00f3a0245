// The end of a mesh: `stop` keeps what partners trust, `down` keeps nothing.

import { tracesOf } from "./inside.ts";
import { placeTest as test } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

async function bundlesOf(place: Place): Promise<(string | undefined)[]> {
  return (await place.status()).trustDomains.map(({ facts }) => facts?.server.bundle?.digest);
}

test("stop ends everything but keeps the CAs; up resumes on them; down leaves nothing", async ({
  newPlace,
  expect,
}) => {
  const place = await newPlace();
  await place.must("up");
  const traces = await tracesOf(place);
  const bundles = await bundlesOf(place);
  expect(bundles.every((digest) => /^[0-9a-f]{64}$/.test(digest ?? ""))).toBe(true);
  // Ten at least; then what they use.
  expect((await traces.processes()).length).toBeGreaterThanOrEqual(10);
  expect((await traces.remains()).length).toBeGreaterThan(20);

  const stopped = await place.must("stop");
  expect(stopped.stdout).toContain("./mesh up resumes");
  expect(await traces.processes()).toEqual([]);
  expect(await traces.keys()).not.toEqual([]);
  expect((await place.mesh("stop")).stdout).toBe("nothing is up\n");
  for (const verb of ["ps", "status"]) {
    const asked = await place.mesh(verb);
    expect(asked.status).toBe(1);
    expect(asked.stderr).toContain("error[MESH_NOT_UP]");
    expect(asked.stderr).toContain("fix: ./mesh up");
  }

  await place.must("up");
  expect(await bundlesOf(place)).toEqual(bundles);
  await quotesFlow(place, 5000);

  const again = await tracesOf(place);
  const down = await place.must("down");
  expect(down.stdout).toMatch(/^down: /);
  expect([...(await traces.remains()), ...(await again.remains())]).toEqual([]);
  expect((await place.must("down")).stdout).toBe("nothing is up, nothing is left\n");
});

test("down ends a stopped mesh too, with its CAs", async ({ newPlace, expect }) => {
  const place = await newPlace();
  await place.must("up");
  const traces = await tracesOf(place);
  const bundles = await bundlesOf(place);
  await place.must("stop");
  expect(await traces.keys()).not.toEqual([]);
  await place.must("down");
  expect(await traces.remains()).toEqual([]);

  await place.must("up");
  expect((await bundlesOf(place)).filter((digest) => bundles.includes(digest))).toEqual([]);
});

test("stop and down where nothing was ever up are fine, and make nothing", async ({ newPlace, expect }) => {
  const place = await newPlace();
  expect(await place.mesh("down")).toMatchObject({ status: 0, stdout: "nothing is up, nothing is left\n" });
  expect(await place.mesh("stop")).toMatchObject({ status: 0, stdout: "nothing is up\n" });
  expect(await place.mesh("ps")).toMatchObject({ status: 1, stderr: expect.stringContaining("MESH_NOT_UP") });
});
