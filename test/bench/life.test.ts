// How long a user waits: ./mesh up, status, down, each as typed, ten times.

import { join } from "node:path";

import { checkoutDir } from "../e2e/checkout.ts";
import { placeTest as test } from "../e2e/mesh.ts";
import { printFigures, seconds, spread } from "./figures.ts";

const runs = 10;

function numbers(): number[] {
  return [];
}

test("up, up again, status, down", { timeout: 600_000 }, async ({ newPlace, expect }) => {
  const place = await newPlace({ program: [join(checkoutDir, "mesh")] });
  const firstRequest: number[] = [];
  const measured = { up: numbers(), upAgain: numbers(), status: numbers(), down: numbers() };
  // The first run fills the compile cache and the page cache.
  for (let run = -1; run < runs; run += 1) {
    const up = await place.must("up");
    const upAgain = await place.must("up");
    const status = await place.must("status");
    const down = await place.must("down");
    if (run < 0) continue;
    firstRequest.push(Number(/first request across after (\d+\.\d+) s/.exec(up.stdout)?.[1]) * 1000);
    measured.up.push(up.ms);
    measured.upAgain.push(upAgain.ms);
    measured.status.push(status.ms);
    measured.down.push(down.ms);
  }
  printFigures(
    "The life of the shipped mesh, tools in the cache; wall time of the command as typed, unless it says otherwise",
    [
      ["spawning the first process → first cross-domain 200 (up's own figure)", spread(firstRequest, seconds)],
      ["./mesh up, from nothing", spread(measured.up, seconds)],
      ["./mesh up, nothing changed", spread(measured.upAgain, seconds)],
      ["./mesh status", spread(measured.status, seconds)],
      ["./mesh down", spread(measured.down, seconds)],
    ],
  );
  expect(firstRequest.every((ms) => ms > 0)).toBe(true);
});
