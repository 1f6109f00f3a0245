// The fixtures of every test of the whole: `mesh`, up for all tests of a file; `newPlace`, for tests that bring their own
// up. Both are destroyed whatever happens, and tell what they saw when a test fails.

import { test as base } from "vitest";

import { type Place, type PlaceOptions, makePlace } from "./place.ts";

/** A `test` with `newPlace()`: a place for a mesh, destroyed after the test. */
export const placeTest = base.extend("newPlace", async ({ task }, { onCleanup }) => {
  const places: Place[] = [];
  onCleanup(async () => {
    const failed = task.result?.state === "fail";
    for (const place of places) {
      if (failed) process.stderr.write(await place.evidence());
      await place[Symbol.asyncDispose]();
    }
  });
  return async (options: PlaceOptions = {}): Promise<Place> => {
    const place = await makePlace(options);
    places.push(place);
    return place;
  };
});

/** A `test` with `mesh`: brought up once for all tests of the file. */
export function meshTest(options: PlaceOptions = {}) {
  return placeTest
    .extend("options", { scope: "file" }, options)
    .extend("mesh", { scope: "file" }, async ({ options: chosen }, { onCleanup }) => {
      // Vitest cleans up after a fixture that was made; until then this does.
      await using untilUp = new AsyncDisposableStack();
      const place = untilUp.use(await makePlace(chosen));
      await place.must("up");
      const made = untilUp.move();
      onCleanup(() => made.disposeAsync());
      return place;
    })
    .extend("evidence", { auto: true }, async ({ mesh, onTestFailed }) => {
      onTestFailed(async () => void process.stderr.write(await mesh.evidence()));
      return undefined;
    });
}
