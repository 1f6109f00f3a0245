// An app off the shelf: an image that knows nothing of the mesh and does TCP only, behind its sidecar.

import { imageNames } from "../../scripts/tools/docker/stand-ins/images.ts";
import { type Description, shipped } from "../e2e/description.ts";
import { quotesFlow } from "../e2e/place.ts";
import { actingAs, inside, only } from "./attacker.ts";
import type { Ending } from "./attempt.ts";
import { buildImage, type BuiltImage } from "./built-image.ts";
import { composePlaceTest as test, type ComposeMesh } from "./compose-mesh.ts";

const up = ["up", "--detach", "--wait", "--wait-timeout", "60"] as const;

/** One price for ever, asked for by whom it may be. */
const program = `
import { createServer } from "node:http";
const answer = (request, response) => {
  const time = new Date().toISOString();
  const quote = { symbol: "SHELF", price: 7, open: 7, low: 7, high: 7, close: 7, time };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ asOf: time, quotes: [quote] }));
};
for (const host of process.argv.slice(2)) createServer(answer).listen(host === "127.0.0.1" ? 8000 : 8001, host);
`;

/** An app that listens on `hosts`, whatever its environment says: on port 8000 of loopback, on 8001 of others. */
function shelfImage(...hosts: readonly string[]): Promise<BuiltImage> {
  const entrypoint = JSON.stringify(["node", "/app.mjs", ...hosts]);
  const dockerfile = `FROM ${imageNames.node}\nCOPY app.mjs /app.mjs\nENTRYPOINT ${entrypoint}\n`;
  return buildImage({ dockerfile, files: { "app.mjs": program } });
}

function withQuotesFrom(image: BuiltImage) {
  return (port: number): Description => {
    const description = shipped(port);
    const { quotes } = description.workloads;
    if (quotes === undefined) throw new Error("the shipped mesh.yaml has no workload quotes");
    quotes.app = { image: image.name, listen: "127.0.0.1:8000" };
    return description;
  };
}

/** What the caller's sidecar, the only one that shares a network with it, gets from a port of the app. */
async function pastTheSidecar(mesh: ComposeMesh, port: number): Promise<Ending> {
  const { NetworkSettings } = await mesh.container("quotes-network");
  const host = NetworkSettings.Networks[`${mesh.name}_federation`]?.IPAddress ?? "";
  return only(actingAs(await mesh.container("broker-sidecar"), [{ connect: { host, port } }]));
}

test("its quotes cross, and nobody reaches it past its sidecar", async ({ newMesh, expect }) => {
  await using image = await shelfImage("127.0.0.1");
  const mesh = await newMesh({ description: withQuotesFrom(image) });
  await mesh.must(...up);
  const { quotes, hop } = await quotesFlow(mesh, 5000);
  expect(quotes.map(({ symbol }) => symbol)).toEqual(["SHELF"]);
  expect(hop?.callee).toBe("spiffe://stockmarket.example/quotes-service");
  const { status, stdout } = await mesh.place.mesh("--runtime", "docker", "status");
  expect(status, stdout).toBe(0);
  expect(await pastTheSidecar(mesh, 8000)).toBe("ECONNREFUSED");
  const quotesApp = await mesh.container("quotes");
  expect(quotesApp.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"] });
  expect(await inside(quotesApp, [{ interfaces: true }])).toEqual(["lo eth0"]);
  await mesh.must("down", "--volumes");
  expect(await mesh.traces()).toEqual([]);
});

test("one that also listens where its sidecar can be passed by fails the start, by name", async ({
  newMesh,
  expect,
}) => {
  await using image = await shelfImage("127.0.0.1", "::");
  const mesh = await newMesh({ description: withQuotesFrom(image) });
  const { status, stderr } = await mesh.compose(...up);
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/quotes-network-1 is unhealthy/);
  // The danger is real: this is what the failure keeps from going unnoticed.
  expect(await pastTheSidecar(mesh, 8001)).toBe("connected");
  const told = await mesh.place.mesh("--runtime", "docker", "up");
  expect(told.status).toBe(2);
  expect(told.stderr).toContain("quotes listens on more than loopback");
});

test("one that does not listen fails the start, by name", async ({ newMesh, expect }) => {
  await using image = await buildImage({ dockerfile: `FROM ${imageNames.node}\nENTRYPOINT ["sleep", "infinity"]\n` });
  const mesh = await newMesh({ description: withQuotesFrom(image) });
  const { status, stderr } = await mesh.place.mesh("--runtime", "docker", "up");
  expect(status).toBe(2);
  expect(stderr).toContain("quotes does not listen on 127.0.0.1:8000");
});
