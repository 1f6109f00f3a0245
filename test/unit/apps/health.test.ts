import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";

import { test } from "vitest";

const program = join(import.meta.dirname, "../../../apps/health.ts");

/** Runs the health check against an app, and an upstream that answers with that status until `after` looks, then with 200. */
async function checked(status: number, after: number) {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.url === "/health") response.end();
    else response.writeHead(++asked > after ? 200 : status).end("no");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const at = `127.0.0.1:${address.port}`;
  try {
    const env = { ...process.env, LISTEN: at, UPSTREAM_QUOTES: at };
    await promisify(execFile)(process.execPath, [program, "/health", "quotes=/quotes"], { env });
    return asked;
  } finally {
    server.close();
  }
}

test.for([
  [401, 1],
  [404, 3],
  [405, 3],
  [503, 3],
] as const)("an upstream that answers %d is asked %d times before it counts", async ([status, times], { expect }) => {
  expect(await checked(status, 2)).toBe(times);
});
