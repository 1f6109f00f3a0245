import { once } from "node:events";
import { createServer } from "node:http";

import { test } from "vitest";

import { observeSpireHealth } from "../../../scripts/observe/spire.ts";

/** Health of a server that answers these statuses, as SPIRE's health checks do. */
async function healthWith(statuses: Readonly<Record<string, number>>) {
  const server = createServer((request, response) => response.writeHead(statuses[request.url ?? ""] ?? 404).end("{}"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  try {
    if (address === null || typeof address === "string") throw new Error("no port");
    return await observeSpireHealth({ host: "127.0.0.1", port: address.port });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("/ready decides, and /live tells starting from broken", async ({ expect }) => {
  expect(await healthWith({ "/ready": 200, "/live": 200 })).toEqual({ state: "ready" });
  expect(await healthWith({ "/ready": 500, "/live": 200 })).toEqual({
    state: "live",
    reason: "it runs and is not ready",
  });
  expect(await healthWith({ "/ready": 500, "/live": 500 })).toEqual({
    state: "live",
    reason: "it answers and says that it is not healthy",
  });
});

test("an address where nothing listens is named", async ({ expect }) => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  await new Promise((resolve) => server.close(resolve));
  expect(await observeSpireHealth({ host: "127.0.0.1", port: address.port })).toEqual({
    state: "down",
    reason: `nothing listens on 127.0.0.1:${address.port}`,
  });
});
