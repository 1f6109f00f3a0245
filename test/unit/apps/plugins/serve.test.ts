import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { get, test } from "../fixtures.ts";

type Child = ChildProcessByStdio<null, Readable, Readable>;

const program = join(import.meta.dirname, "slow-server.ts");

function start(env: Record<string, string>): Child {
  return spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Waits for a log line with this message; the process ending first is a failure. */
async function logged(child: Child, message: string): Promise<void> {
  for await (const line of createInterface({ input: child.stdout })) if (line.includes(message)) return;
  throw new Error(`the process ended without saying ${message}`);
}

test("SIGTERM lets the request under way finish, then the process exits 0, whatever connections are kept alive", async ({
  dir,
  expect,
}) => {
  const socket = join(dir, "app.sock");
  const child = start({ LISTEN: `unix:${socket}`, UPSTREAM_QUOTES: "unix:/nowhere.sock" });
  const exited = once(child, "exit");
  await logged(child, "Server listening");
  const agent = new Agent({ keepAlive: true });
  expect(await get(socket, "/health", agent)).toMatchObject({ status: 200 });
  const answer = get(socket, "/slow");
  await logged(child, "arrived");
  child.kill("SIGTERM");
  await logged(child, "stopping");
  child.kill("SIGUSR1");
  expect(await answer).toMatchObject({ status: 200, body: `{"slow":"but sure"}` });
  expect(await exited).toEqual([0, null]);
  await expect(stat(socket)).rejects.toThrow("ENOENT");
  agent.destroy();
});

test("a wrong environment is one line on stderr that names every variable, and exit 78", async ({ expect }) => {
  const child = start({ LISTEN: "8080" });
  const [errors, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(status).toBe(78);
  expect(errors).toBe(
    "slow: LISTEN=8080 is not an address: it is neither unix:/path nor host:port; " +
      "UPSTREAM_QUOTES is not set: it must be unix:/path or host:port\n",
  );
});

test("an address that is taken is one line on stderr, and exit 69", async ({ serve, expect }) => {
  const socket = await serve("app", (_request, response) => response.end("mine"));
  const child = start({ LISTEN: `unix:${socket}`, UPSTREAM_QUOTES: "unix:/nowhere.sock" });
  const [errors, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(status).toBe(69);
  expect(errors).toBe(`slow: cannot listen on unix:${socket}: a live process serves it\n`);
});
