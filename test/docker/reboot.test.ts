// What an engine does with a mesh when the machine is rebooted: it ends everything, and starts by itself what ran, in an
// order of its own. Nobody types a command, but for an app that shares its sidecar's network: there it may take one `up`.
// Only our own engine is ended and started: a user's is theirs.

import { existsSync } from "node:fs";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureEngine, stopEngine } from "../../scripts/tools/docker/engine.ts";
import { ownEnginePlaces } from "../../scripts/tools/docker/own-engine-places.ts";
import { type Description, shipped } from "../e2e/description.ts";
import { quotesFlow } from "../e2e/place.ts";
import { composePlaceTest, type ComposeMesh } from "./compose-mesh.ts";
import { isLasting } from "./inspected.ts";

const cacheDir = toolCacheDir();
const isOwn = process.env["DOCKER_HOST"] === `unix://${ownEnginePlaces(cacheDir).socket}`;
const { signal } = new AbortController();

/** The broker on its socket, quotes as an app that does TCP only and shares its sidecar's network. */
function bothKinds(port: number): Description {
  const description = shipped(port);
  const { quotes } = description.workloads;
  if (quotes !== undefined) quotes.app.listen = "127.0.0.1:8000";
  return description;
}

/** When each lasting container was started, by service. */
async function startsOf(mesh: ComposeMesh): Promise<ReadonlyMap<string, string>> {
  const lasting = [...(await mesh.containers())].filter(isLasting);
  return new Map(lasting.map(([service, { State }]) => [service, State.StartedAt]));
}

composePlaceTest.runIf(isOwn)("after a reboot quotes flow, and nobody had to help", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const tcp = await newMesh({ description: bothKinds });
  await mesh.must("up", "--detach", "--wait", "--wait-timeout", "120");
  await tcp.must("up", "--detach", "--wait", "--wait-timeout", "120");
  const before = await startsOf(mesh);
  expect(await stopEngine({ cacheDir, signal })).toBe(true);
  expect(existsSync(ownEnginePlaces(cacheDir).socket)).toBe(false);
  await ensureEngine({ cacheDir, install: true, report: () => {}, signal });
  await quotesFlow(mesh, 40_000);
  const after = await startsOf(mesh);
  expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
  for (const [service, startedAt] of after) expect(startedAt, service).not.toBe(before.get(service));
  expect((await mesh.compose("up", "--detach", "--wait", "--wait-timeout", "60")).status).toBe(0);
  expect(await startsOf(mesh), "up found everything in order").toEqual(after);
  // An engine does not wait for the container whose network another joins, and does not try again (decision 0009).
  await tcp.must("up", "--detach", "--wait", "--wait-timeout", "60");
  await quotesFlow(tcp, 5000);
});
