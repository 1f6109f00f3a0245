// What `stop` keeps of the keys on this machine: the CAs' alone.

import { dirname } from "node:path";

import { planOf, tracesOf } from "../inside.ts";
import { placeTest as test } from "../mesh.ts";

test("stop keeps no key but the CAs'", async ({ newPlace, expect }) => {
  const place = await newPlace();
  await place.must("up");
  const { domains } = await planOf(place);
  const traces = await tracesOf(place);
  await place.must("stop");
  const serverData = domains.map(({ server }) => server.dataDir).toSorted();
  expect([...new Set((await traces.keys()).map((path) => dirname(path)))].toSorted()).toEqual(serverData);
});
