import type { RequestListener } from "node:http";
import { join } from "node:path";

import { Ajv } from "ajv";

import { buildApp as buildBroker } from "../../../../apps/broker/app.ts";
import {
  liveSchema,
  unavailableSchema,
  type LiveAnswer,
  type UnavailableAnswer,
} from "../../../../apps/broker/schema.ts";
import { buildApp as buildQuotes } from "../../../../apps/quotes/app.ts";
import { get, logOf, test } from "../fixtures.ts";

const start = Date.UTC(2026, 0, 1, 12);
const hop = { caller: "spiffe://broker.example/webapp", callee: "spiffe://stockmarket.example/quotes-service" };
const hopHeaders = { "x-caller-spiffe-id": hop.caller, "x-callee-spiffe-id": hop.callee };

const ajv = new Ajv();
const isLive = ajv.compile<LiveAnswer>(liveSchema);
const isUnavailable = ajv.compile<UnavailableAnswer>(unavailableSchema);

/** A clock that only moves when told to. */
function clockAt(ms: number) {
  return { now: () => ms, advance: (by: number) => void (ms += by) };
}

const someQuotes = {
  asOf: "2026-01-01T12:00:00.000Z",
  quotes: [{ symbol: "AAAA", price: 10.5, open: 10, low: 9, high: 11, close: 9.5, time: "2026-01-01T11:59:59.000Z" }],
};
const answering =
  (body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, headers).end(JSON.stringify(body));
  };

/** A broker whose upstream is this socket. */
function brokerOf(socket: string, options: { now?: () => number; log?: ReturnType<typeof logOf> } = {}) {
  return buildBroker({ quotes: { socket }, now: () => start, quotesTimeoutMs: 150, ...options });
}

test("answers the quotes of the real quotes service, whose contract its own schema fits", async ({ dir, expect }) => {
  const socket = join(dir, "quotes.sock");
  const quotes = buildQuotes({ seed: 1, now: () => start });
  await quotes.listen({ path: socket });
  const broker = brokerOf(socket);
  const answer = await broker.inject("/api/quotes");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ "cache-control": "no-store" });
  expect(isLive(answer.json()), JSON.stringify(isLive.errors)).toBe(true);
  expect(answer.json()).toMatchObject({ fetchedAt: "2026-01-01T12:00:00.000Z", ageMs: 0, hop: null });
  expect(answer.json<LiveAnswer>().quotes).toHaveLength(11);
  await Promise.all([broker.close(), quotes.close()]);
});

test("shows both ends of the hop as the sidecar names them", async ({ serve, expect }) => {
  const broker = brokerOf(await serve("quotes", answering(someQuotes, hopHeaders)));
  expect((await broker.inject("/api/quotes")).json()).toMatchObject({ hop });
  await broker.close();
});

test.for([
  ["one end is missing", { "x-caller-spiffe-id": hop.caller }],
  ["an end is no SPIFFE ID", { ...hopHeaders, "x-callee-spiffe-id": "-" }],
  ["an end is two", { ...hopHeaders, "x-callee-spiffe-id": `${hop.callee},spiffe://evil.example/x` }],
] as const)("says nothing of the hop when %s", async ([, headers], { serve, expect }) => {
  const broker = brokerOf(await serve("quotes", answering(someQuotes, headers)));
  expect((await broker.inject("/api/quotes")).json()).toMatchObject({ hop: null });
  await broker.close();
});

test.for<[string, RequestListener]>([
  ["hangs", () => undefined],
  ["answers an error", (_request, response) => void response.writeHead(503).end("no healthy upstream")],
  ["answers HTML", (_request, response) => void response.end("<h1>welcome</h1>")],
  ["answers other JSON", answering({ hello: "world" })],
  [
    "answers a price that is no number",
    answering({ ...someQuotes, quotes: [{ ...someQuotes.quotes[0], price: "1" }] }),
  ],
  ["answers a time that is none", answering({ ...someQuotes, asOf: "yesterday" })],
  ["cuts the connection", (request) => void request.socket.destroy()],
])(
  "a quotes service that %s is 503 QUOTES_UNAVAILABLE within the time limit",
  async ([, listener], { serve, expect }) => {
    const broker = brokerOf(await serve("quotes", listener));
    const answer = await broker.inject("/api/quotes");
    expect(answer.statusCode).toBe(503);
    expect(isUnavailable(answer.json()), JSON.stringify(isUnavailable.errors)).toBe(true);
    expect(answer.json()).toEqual({
      code: "QUOTES_UNAVAILABLE",
      message: "Quotes service unavailable",
      since: "2026-01-01T12:00:00.000Z",
    });
    await broker.close();
  },
);

test("keeps the last data and since when, logs each change once, and recovers by itself", async ({ serve, expect }) => {
  let up = true;
  const socket = await serve("quotes", (request, response) => {
    if (up) answering(someQuotes, hopHeaders)(request, response);
    else response.writeHead(503).end();
  });
  const clock = clockAt(start);
  const log = logOf();
  const broker = brokerOf(socket, { now: clock.now, log });
  const ask = async () => (await broker.inject("/api/quotes")).json();
  const live = await ask();

  up = false;
  clock.advance(2000);
  await ask();
  clock.advance(3000);
  expect(await ask()).toEqual({
    code: "QUOTES_UNAVAILABLE",
    message: "Quotes service unavailable",
    since: "2026-01-01T12:00:02.000Z",
    lastData: { ...live, ageMs: 5000 },
  });

  up = true;
  clock.advance(1000);
  expect(await ask()).toMatchObject({ fetchedAt: "2026-01-01T12:00:06.000Z", ageMs: 0 });
  expect(log.lines()).toMatchObject([
    { level: 40, msg: "quotes unavailable", failure: "STATUS" },
    { level: 30, msg: "quotes available again", unavailableMs: 4000 },
  ]);
  await broker.close();
});

test("callers at the same time share one request upstream, and later ones get a new one", async ({ serve, expect }) => {
  let asked = 0;
  const socket = await serve("quotes", (request, response) => {
    asked += 1;
    answering(someQuotes)(request, response);
  });
  const broker = brokerOf(socket);
  await Promise.all(Array.from({ length: 10 }, () => broker.inject("/api/quotes")));
  expect(asked).toBe(1);
  await broker.inject("/api/quotes");
  expect(asked).toBe(2);
  await broker.close();
});

test("the page is there with and without quotes, as HTML under its policy", async ({ serve, expect }) => {
  let up = true;
  const socket = await serve("quotes", (request, response) => {
    if (up) answering(someQuotes)(request, response);
    else response.writeHead(503).end();
  });
  const broker = brokerOf(socket);
  const live = await broker.inject("/quotes");
  up = false;
  const stale = await broker.inject("/quotes");
  for (const answer of [live, stale]) {
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(answer.body).toContain(`data-symbol="AAAA"`);
  }
  expect(live.body).not.toContain("Quotes service unavailable since");
  expect(stale.body).toContain("Quotes service unavailable since 12:00:00\u00a0UTC. These are the last quotes.");
  await broker.close();
});

test("a page that waits for quotes when the broker stops still gets them", async ({ dir, serve, expect }) => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const quotes = await serve("quotes", (request, response) => {
    asked.resolve();
    void release.promise.then(() => answering(someQuotes)(request, response));
  });
  const broker = buildBroker({ quotes: { socket: quotes }, now: () => start });
  const stopping = Promise.withResolvers<void>();
  broker.addHook("preClose", async () => stopping.resolve());
  const socket = join(dir, "broker.sock");
  await broker.listen({ path: socket });
  const answer = get(socket, "/api/quotes");
  await asked.promise;
  const closed = broker.close();
  await stopping.promise;
  release.resolve();
  expect(await answer).toMatchObject({ status: 200, headers: { connection: "close" } });
  await closed;
});

test("GET / leads to the page", async ({ serve, expect }) => {
  const broker = brokerOf(await serve("quotes", answering(someQuotes)));
  const answer = await broker.inject("/");
  expect(answer.statusCode).toBe(302);
  expect(answer.headers["location"]).toBe("/quotes");
  await broker.close();
});

test("health does not ask the quotes service", async ({ dir, expect }) => {
  const broker = brokerOf(join(dir, "nobody.sock"));
  expect((await broker.inject("/health")).json()).toEqual({ status: "ok" });
  await broker.close();
});
