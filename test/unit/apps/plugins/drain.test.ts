import { once } from "node:events";
import { Agent } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { createApp } from "../../../../apps/plugins/app.ts";
import { get, test } from "../fixtures.ts";

/** An app on a socket whose `/slow` answers when told to. */
async function slowApp(dir: string) {
  const app = createApp({});
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const draining = Promise.withResolvers<void>();
  app.addHook("preClose", async () => draining.resolve());
  app.get("/slow", async () => {
    arrived.resolve();
    await release.promise;
    return { slow: "but sure" };
  });
  const socket = join(dir, "app.sock");
  await app.listen({ path: socket });
  return { app, socket, arrived: arrived.promise, draining: draining.promise, release: release.resolve };
}

test("a request under way when the app stops is answered, and its kept-alive connection does not hold the exit", async ({
  dir,
  expect,
}) => {
  const { app, socket, arrived, draining, release } = await slowApp(dir);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answer = get(socket, "/slow", agent);
  await arrived;
  const closed = app.close();
  await draining;
  release();
  expect(await answer).toMatchObject({ status: 200, body: `{"slow":"but sure"}`, headers: { connection: "close" } });
  await closed;
  agent.destroy();
});

test("an idle kept-alive connection does not hold the exit", async ({ dir, expect }) => {
  const { app, socket } = await slowApp(dir);
  const agent = new Agent({ keepAlive: true });
  expect(await get(socket, "/health", agent)).toMatchObject({ headers: { connection: "keep-alive" } });
  await app.close();
  agent.destroy();
});

test("a request that arrives while the app stops, on a connection it had, is answered that it stops", async ({
  dir,
  expect,
}) => {
  const { app, socket, arrived, draining, release } = await slowApp(dir);
  const answer = get(socket, "/slow");
  await arrived;
  const connection = connect(socket);
  connection.write("GET /health HTTP/1.1\r\nHost: x");
  await once(app.server, "connection");
  const closed = app.close();
  await draining;
  connection.write("\r\n\r\n");
  expect(await text(connection)).toMatch(/^HTTP\/1.1 503 .*connection: close.*"stopping"/is);
  release();
  expect(await answer).toMatchObject({ status: 200 });
  await closed;
});
