import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { test as base } from "vitest";

import { callers, errors, health, routes } from "../../../scripts/contract/answers.ts";
import type { ApiDocument, Candidate } from "../../../scripts/contract/candidate.ts";
import { gracefulStop } from "../../../scripts/contract/ends.ts";
import { concurrency, largeBodies, slowReaders } from "../../../scripts/contract/load.ts";
import { isMet } from "../../../scripts/contract/check.ts";
import { failed, judge, notChecked, passed } from "../../../scripts/contract/verdict.ts";

const schema = { type: "object", required: ["price"], properties: { price: { type: "number" } } };
const api: ApiDocument = {
  paths: {
    "/price": { get: { responses: { 200: { content: { "application/json": { schema } } } } } },
    "/prices/{symbol}": { get: { responses: { 200: {} } } },
  },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const json = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

/** Keeps the contract; a test puts an answer of its own in place of some. */
const good: Handler = (request, response) => {
  request.resume();
  const who = request.headers["x-forwarded-client-cert"];
  if (request.url === "/health") json(response, 200, {});
  else if (request.url !== "/price") json(response, 404, { code: "NOT_FOUND", message: "no" });
  else if (request.method !== "GET") json(response, 405, { code: "NO", message: "no" });
  else if (who !== undefined && !/^By=[^,;]+;Hash=[^,;]+;URI=spiffe:[^,;]+$/.test(String(who)))
    json(response, 400, { code: "CALLER_INVALID", message: "no" });
  else json(response, 200, { price: 1 });
};

const test = base.extend("serving", async ({ task: _task }, { onCleanup }) => {
  const open: ReturnType<typeof createServer>[] = [];
  onCleanup(() => {
    for (const server of open) server.close().closeAllConnections();
  });
  return async (handler: Handler, more: Partial<Candidate> = {}): Promise<Candidate> => {
    const server = createServer(handler).listen(0, "127.0.0.1");
    open.push(server);
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return {
      address: { host: "127.0.0.1", port: address.port },
      health: "/health",
      api,
      pid: async () => undefined,
      terminate: async () => ({ code: 0, ms: 5 }),
      ...more,
    };
  };
});

const instead =
  (path: string, answer: Handler): Handler =>
  (request, response) =>
    (request.url === path ? answer : good)(request, response);

test("an app that keeps the contract passes each rule", async ({ serving, expect }) => {
  const app = await serving(good);
  for (const check of [health, routes, errors, callers, concurrency, largeBodies, slowReaders, gracefulStop])
    expect(await check(app), check.name).toMatchObject({ verdict: "passed" });
});

test.for([
  ["health", health, instead("/health", (_, response) => json(response, 503, {})), "GET /health: 503"],
  [
    "routes: the schema",
    routes,
    instead("/price", (_, response) => json(response, 200, { price: "1" })),
    "GET /price: body/price must be number",
  ],
  [
    "routes: the status",
    routes,
    instead("/price", (_, response) => json(response, 203, { price: 1 })),
    "GET /price: 203, which is no success that it names",
  ],
  [
    "routes: the kind",
    routes,
    instead("/price", (_, response) => void response.end("{}")),
    "GET /price: content-type is missing, not JSON",
  ],
  ["errors: the status", errors, (_, response) => json(response, 200, {}), "200, not 404"],
  ["errors: the body", errors, (_, response) => json(response, 404, { error: "no" }), "has no `code` and `message`"],
  [
    "errors: a stack",
    errors,
    (_, response) => json(response, 404, { code: "A", message: "Traceback (most recent call last)" }),
    "has a stack",
  ],
  [
    "callers: none is right",
    callers,
    instead("/price", (_, response) => json(response, 400, {})),
    "GET /price with a caller: 400",
  ],
  [
    "callers: 500 for garbage",
    callers,
    instead("/price", ({ headers }, response) =>
      json(
        response,
        String(headers["x-forwarded-client-cert"]).startsWith(
          "By=spiffe://callee.example/app;Hash=00;URI=spiffe://caller.example/app",
        )
          ? 200
          : 500,
        { price: 1 },
      ),
    ),
    "were not refused with 400",
  ],
  [
    "bodies",
    largeBodies,
    (request, response) => (request.method === "POST" ? json(response, 500, {}) : good(request, response)),
    "POST /price of 4 MiB: 500",
  ],
  [
    "concurrency",
    concurrency,
    instead("/price", (_, response) => json(response, Math.random() < 0.5 ? 200 : 503, { price: 1 })),
    "of 400 requests",
  ],
] as const satisfies readonly (readonly [string, (app: Candidate) => Promise<object>, Handler, string])[])(
  "%s, broken, fails",
  async ([, check, handler, seen], { serving, expect }) => {
    const app = await serving(handler);
    const verdict = await judge("rule", "title", async () => check(app));
    expect(verdict).toMatchObject({ verdict: "failed", seen: expect.stringContaining(seen) });
  },
);

test.for([
  [{ code: 0, ms: 10_001 }, "exit status 0 after 10001 ms"],
  [{ code: 1, ms: 5 }, "exit status 1"],
  [{ signal: "SIGKILL", ms: 5 }, "ended by SIGKILL"],
] as const)("an end with %j is none that the contract knows", async ([ended, seen], { serving, expect }) => {
  const app = await serving(good, { terminate: async () => ended });
  expect(await gracefulStop(app)).toMatchObject({ verdict: "failed", seen: expect.stringContaining(seen) });
});

test("what cannot be seen is not checked, and stands in nobody's way", async ({ serving, expect }) => {
  const app = await serving(good, { api: undefined });
  for (const check of [routes, callers, slowReaders]) expect((await check(app)).verdict).toBe("not checked");
  const deaf = await serving(instead("/price", (_, response) => json(response, 200, { price: 1 })));
  expect((await callers(deaf)).verdict).toBe("not checked");
  const verdicts = [passed("a"), notChecked("b")].map((finding) => ({ rule: "r", title: "t", ...finding }));
  expect(isMet(verdicts)).toBe(true);
  expect(isMet([...verdicts, { rule: "r", title: "t", ...failed("c") }])).toBe(false);
});
