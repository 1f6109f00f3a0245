// How long a user of containers waits: plain `docker compose`, and ./mesh on the same project; images are there.

import { join } from "node:path";

import { afterAll, beforeAll } from "vitest";

import { composePlaceTest as test } from "../docker/compose-mesh.ts";
import { setup, teardown } from "../docker/engine.ts";
import { checkoutDir } from "../e2e/checkout.ts";
import { median, printFigures, seconds, spread } from "./figures.ts";

const runs = 5;

beforeAll(setup);
afterAll(teardown);

function numbers(): number[] {
  return [];
}

test("up, status, ps, down", { timeout: 900_000 }, async ({ newMesh, expect }) => {
  const mesh = await newMesh({ program: [join(checkoutDir, "mesh")], env: { MESH_RUNTIME: "docker" } });
  const { must, place } = mesh;
  const compose = { up: numbers(), again: numbers(), down: numbers() };
  const ours = { up: numbers(), again: numbers(), status: numbers(), ps: numbers(), down: numbers() };
  // The first run builds the images.
  for (let run = -1; run < runs; run += 1) {
    const byCompose = {
      up: await must("up", "--detach", "--wait"),
      again: await must("up", "--detach", "--wait"),
      down: await must("down"),
    };
    await must("down", "--volumes");
    const byUs = {
      up: await place.must("up"),
      again: await place.must("up"),
      status: await place.must("status"),
      ps: await place.must("ps"),
      down: await place.must("down"),
    };
    if (run < 0) continue;
    for (const name of ["up", "again", "down"] as const) compose[name].push(byCompose[name].ms);
    for (const name of ["up", "again", "status", "ps", "down"] as const) ours[name].push(byUs[name].ms);
  }
  printFigures("The shipped mesh in containers, images there; wall time of the command as typed", [
    ["docker compose up --detach --wait, from nothing", spread(compose.up, seconds)],
    ["the same again", spread(compose.again, seconds)],
    ["docker compose down", spread(compose.down, seconds)],
    ["./mesh up, from nothing", spread(ours.up, seconds)],
    ["./mesh up, nothing changed", spread(ours.again, seconds)],
    ["./mesh status", spread(ours.status, seconds)],
    ["./mesh ps", spread(ours.ps, seconds)],
    ["./mesh down", spread(ours.down, seconds)],
  ]);
  expect(median(compose.up)).toBeLessThan(6000);
  expect(median(compose.down)).toBeLessThan(3000);
});
