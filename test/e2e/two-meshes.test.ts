// Two meshes on one machine, side by side: neither knows of the other.

import { tracesOf } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { placeTest as test } from "./mesh.ts";
import { quotesFlow } from "./place.ts";

test("two meshes serve side by side, and the end of one is nothing to the other", async ({ newPlace, expect }) => {
  const [one, other] = [await newPlace(), await newPlace()];
  await Promise.all([one.must("up"), other.must("up")]);
  const [traces] = [await tracesOf(one)];
  await Promise.all([quotesFlow(one, 5000), quotesFlow(other, 5000)]);
  const [ofOne, ofOther] = [await one.status(), await other.status()];
  expect([ofOne.ready, ofOther.ready]).toEqual([true, true]);
  const digests = [ofOne, ofOther].flatMap(({ trustDomains }) =>
    trustDomains.map(({ facts }) => facts?.server.bundle?.digest),
  );
  expect(new Set(digests).size).toBe(4);

  const before = await other.ps();
  await using load = beginLoad(other.url("/api/quotes"));
  await one.must("down");
  expect(await traces.remains()).toEqual([]);
  await load.more(100);
  expect((await load.end()).failures).toEqual([]);
  expect(await other.ps()).toEqual(before);
});
