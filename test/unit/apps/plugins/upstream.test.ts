import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

import { createUpstream, UpstreamError, type UpstreamFailure } from "../../../../apps/plugins/upstream.ts";
import { test } from "../fixtures.ts";

const upstreamAt = (socket: string, timeoutMs = 2000) =>
  createUpstream({ name: "quotes", address: { socket }, timeoutMs });

/** The failure of a call that must fail. */
async function failureOf(call: Promise<unknown>): Promise<UpstreamFailure> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UpstreamError)) throw new Error("the call did not fail with an UpstreamError");
  return error.failure;
}

test("answers headers and JSON over kept-alive connections", async ({ serve, expect }) => {
  const connections = new Set();
  const socket = await serve("up", (request, response) => {
    connections.add(request.socket);
    response.setHeader("x-callee-spiffe-id", "spiffe://stockmarket.example/quotes-service");
    response.end(JSON.stringify({ path: request.url, host: request.headers.host }));
  });
  const upstream = upstreamAt(socket);
  for (let n = 0; n < 10; n += 1) {
    expect(await upstream.getJson("/quotes")).toMatchObject({
      headers: { "x-callee-spiffe-id": "spiffe://stockmarket.example/quotes-service" },
      body: { path: "/quotes", host: "quotes" },
    });
  }
  // The pool may open a second while it has not yet seen that the first is free again.
  expect(connections.size).toBeLessThanOrEqual(2);
  await upstream.close();
});

test("an upstream that takes the request and never answers fails as TIMEOUT when time is up", async ({
  serve,
  expect,
}) => {
  const upstream = upstreamAt(await serve("up", () => undefined), 60);
  await upstream.warm();
  const began = performance.now();
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("TIMEOUT");
  expect(performance.now() - began).toBeLessThan(1000);
  await upstream.close();
});

test("an upstream that answers byte by byte for ever fails as TIMEOUT", async ({ serve, expect }) => {
  const socket = await serve("up", (_request, response) => {
    const dripping = setInterval(() => response.write(" "), 10);
    response.once("close", () => clearInterval(dripping));
  });
  const upstream = upstreamAt(socket, 60);
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("TIMEOUT");
  await upstream.close();
});

test("a status other than 200 fails as STATUS, also when its body never ends", async ({ serve, expect }) => {
  const socket = await serve("up", (request, response) => {
    response.writeHead(503);
    if (request.url === "/endless") response.write("x");
    else response.end("no healthy upstream");
  });
  const upstream = upstreamAt(socket, 200);
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("STATUS");
  expect(await failureOf(upstream.getJson("/endless"))).toMatch(/STATUS|TIMEOUT/);
  await upstream.close();
});

test("a body that is not JSON fails as INVALID", async ({ serve, expect }) => {
  const upstream = upstreamAt(await serve("up", (_request, response) => response.end("<html>")));
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("INVALID");
  await upstream.close();
});

test("a body that is larger than a page could need fails as INVALID", async ({ serve, expect }) => {
  const upstream = upstreamAt(await serve("up", (_request, response) => response.end(`"${"x".repeat(2 ** 21)}"`)));
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("INVALID");
  await upstream.close();
});

test("an upstream that does not speak HTTP fails as INVALID", async ({ dir, expect }) => {
  const socket = join(dir, "up.sock");
  const server = createServer((connection) => {
    connection.once("data", () => connection.end("\u0000\u0001garbage\r\n\r\n"));
  }).listen(socket);
  await once(server, "listening");
  const upstream = upstreamAt(socket);
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("INVALID");
  await upstream.close();
  server.close();
});

test("a socket nobody listens on fails as UNREACHABLE, and the upstream is used once it is there", async ({
  dir,
  serve,
  expect,
}) => {
  const upstream = upstreamAt(join(dir, "up.sock"));
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("UNREACHABLE");
  await serve("up", (_request, response) => response.end("{}"));
  expect(await upstream.getJson("/quotes")).toMatchObject({ body: {} });
  await upstream.close();
});

test("a connection that is cut in the middle of an answer fails as UNREACHABLE", async ({ serve, expect }) => {
  const socket = await serve("up", (_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("{");
    response.destroy();
  });
  const upstream = upstreamAt(socket);
  expect(await failureOf(upstream.getJson("/quotes"))).toBe("UNREACHABLE");
  await upstream.close();
});
