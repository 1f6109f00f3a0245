import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { createApp } from "../../../../apps/plugins/app.ts";
import { logOf, test } from "../fixtures.ts";

const xfcc = "By=spiffe://stockmarket.example/quotes-service;URI=spiffe://broker.example/webapp";

function appThatNamesItsCaller(log = logOf()) {
  const app = createApp({ log });
  app.get("/caller", (request, reply) => reply.send({ caller: request.caller }));
  return app;
}

test("request.caller is the SPIFFE ID the sidecar vouches for", async ({ expect }) => {
  const app = appThatNamesItsCaller();
  const answer = await app.inject({ url: "/caller", headers: { "x-forwarded-client-cert": xfcc } });
  expect(answer.json()).toEqual({
    caller: { spiffeId: "spiffe://broker.example/webapp", trustDomain: "broker.example" },
  });
});

test("request.caller is null when no sidecar vouches for anybody", async ({ expect }) => {
  const app = appThatNamesItsCaller();
  expect((await app.inject("/caller")).json()).toEqual({ caller: null });
});

test("a caller of one request is not that of the next", async ({ expect }) => {
  const app = appThatNamesItsCaller();
  await app.inject({ url: "/caller", headers: { "x-forwarded-client-cert": xfcc } });
  expect((await app.inject("/caller")).json()).toEqual({ caller: null });
});

test.for([
  ["empty", ""],
  ["garbage", "garbage"],
  ["two elements", `${xfcc},${xfcc}`],
  ["two URIs", `${xfcc};URI=spiffe://evil.example/x`],
])("a header that is %s answers 400 on every route, known or not", async ([, header = ""], { expect }) => {
  const log = logOf();
  const app = appThatNamesItsCaller(log);
  for (const url of ["/caller", "/health", "/nowhere"]) {
    const answer = await app.inject({ url, headers: { "x-forwarded-client-cert": header } });
    expect(answer.statusCode, url).toBe(400);
    expect(answer.json()).toMatchObject({ code: "CALLER_INVALID" });
  }
  expect(log.lines()).toHaveLength(3);
});

test("the header given twice on the wire is refused, not joined into one", async ({ dir, expect }) => {
  const app = appThatNamesItsCaller();
  const socket = join(dir, "app.sock");
  await app.listen({ path: socket });
  const connection = connect(socket);
  const line = `x-forwarded-client-cert: ${xfcc}\r\n`;
  connection.end(`GET /caller HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${line}${line}\r\n`);
  expect(await text(connection)).toMatch(/^HTTP\/1.1 400 .*CALLER_INVALID/s);
  await app.close();
});

test("an unknown route answers 404 with a code", async ({ expect }) => {
  const answer = await createApp({}).inject("/nowhere");
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toEqual({ code: "NOT_FOUND", message: "There is nothing here" });
});

test("a path that is not a URL answers 400 with a code", async ({ expect }) => {
  const answer = await createApp({}).inject("/%zz");
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "BAD_REQUEST" });
});

test("a body that is too large answers 413 with a code", async ({ expect }) => {
  const app = createApp({});
  app.post("/echo", (request, reply) => reply.send(request.body));
  const payload = { padding: "x".repeat(20_000) };
  const answer = await app.inject({ method: "POST", url: "/echo", payload });
  expect(answer.statusCode).toBe(413);
  expect(answer.json()).toMatchObject({ code: "BODY_TOO_LARGE" });
});

test("a bug answers 500 without saying more, and the log has its stack", async ({ expect }) => {
  const log = logOf();
  const app = createApp({ log });
  app.get("/bug", () => {
    throw new Error("the cause");
  });
  const answer = await app.inject("/bug");
  expect(answer.statusCode).toBe(500);
  expect(answer.json()).toEqual({ code: "INTERNAL", message: "The app failed; its log has the cause" });
  expect(log.lines()).toMatchObject([{ level: 50, msg: "request failed", url: "/bug", err: { message: "the cause" } }]);
});

test("a hundred good requests leave no log line", async ({ expect }) => {
  const log = logOf();
  const app = appThatNamesItsCaller(log);
  for (let n = 0; n < 100; n += 1) await app.inject("/caller");
  expect(log.lines()).toEqual([]);
});

test("a slow request is logged with its caller", async ({ expect }) => {
  const log = logOf();
  const app = createApp({ log, slowMs: 0 });
  await app.inject({ url: "/health", headers: { "x-forwarded-client-cert": xfcc } });
  expect(log.lines()).toMatchObject([
    { msg: "slow request", url: "/health", status: 200, caller: "spiffe://broker.example/webapp" },
  ]);
});

test("health answers ok", async ({ expect }) => {
  const answer = await createApp({}).inject("/health");
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: "ok" });
});
