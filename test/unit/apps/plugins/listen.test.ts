import { spawnSync } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

import { createApp } from "../../../../apps/plugins/app.ts";
import { listen, ListenError } from "../../../../apps/plugins/listen.ts";
import { get, test } from "../fixtures.ts";

/** Leaves a socket file as a killed process does. */
function leaveStaleSocket(path: string): void {
  const program = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", program, path]);
}

test("listens on a Unix socket that its group may use and others may not, and removes it at the end", async ({
  dir,
  expect,
}) => {
  const socket = join(dir, "app.sock");
  const app = createApp({});
  await listen(app, { socket });
  expect((await stat(socket)).mode & 0o777).toBe(0o660);
  expect(await get(socket, "/health")).toMatchObject({ status: 200 });
  await app.close();
  await expect(stat(socket)).rejects.toThrow("ENOENT");
});

test("replaces the socket file of a process that was killed", async ({ dir, expect }) => {
  const socket = join(dir, "app.sock");
  leaveStaleSocket(socket);
  expect((await stat(socket)).isSocket()).toBe(true);
  const app = createApp({});
  await listen(app, { socket });
  expect(await get(socket, "/health")).toMatchObject({ status: 200 });
  await app.close();
});

test("refuses a socket that a live process serves, and leaves it to it", async ({ serve, expect }) => {
  const socket = await serve("app", (_request, response) => response.end("mine"));
  const refused = listen(createApp({}), { socket });
  await expect(refused).rejects.toThrow(ListenError);
  await expect(refused).rejects.toThrow(`cannot listen on unix:${socket}: a live process serves it`);
  expect(await get(socket, "/")).toMatchObject({ body: "mine" });
});

test("refuses a path where a file is, and leaves the file", async ({ dir, expect }) => {
  const socket = join(dir, "precious.txt");
  await writeFile(socket, "precious");
  await expect(listen(createApp({}), { socket })).rejects.toThrow("a file that is no socket is there");
  expect((await stat(socket)).size).toBe(8);
});

test("says that the folder of a socket does not exist", async ({ dir, expect }) => {
  const socket = join(dir, "nowhere", "app.sock");
  await expect(listen(createApp({}), { socket })).rejects.toThrow("its folder does not exist");
});

test("says that a port is taken", async ({ expect }) => {
  const holder = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  holder.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = holder.address();
  if (address === null || typeof address === "string") throw new Error("the holder has no port");
  await expect(listen(createApp({}), { host: "127.0.0.1", port: address.port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${address.port}: the address is taken`,
  );
  holder.close();
});
