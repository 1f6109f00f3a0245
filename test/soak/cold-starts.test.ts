// Thirty cold starts in a row: each ends with a quote across and leaves nothing when it is destroyed.

import { placeTest as test } from "../e2e/mesh.ts";
import { quotesFlow } from "../e2e/place.ts";

const starts = 30;

test("thirty cold starts all come up", { timeout: 600_000 }, async ({ newPlace, expect }) => {
  const place = await newPlace();
  const firstRequestMs: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    const { stdout } = await place.must("up");
    firstRequestMs.push(Number(/first request across after (\d+\.\d+) s/.exec(stdout)?.[1]) * 1000);
    expect((await quotesFlow(place, 5000)).quotes).toHaveLength(11);
    await place.must("down");
  }
  const sorted = firstRequestMs.toSorted((left, right) => left - right);
  process.stderr.write(
    `soak: first request across after ${sorted[0]} to ${sorted.at(-1)} ms, median ${sorted[starts / 2]} ms, of ${starts} cold starts\n`,
  );
  expect(sorted.every((ms) => ms > 0)).toBe(true);
});
