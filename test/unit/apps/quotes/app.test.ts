import { readFile } from "node:fs/promises";

import { Ajv } from "ajv";
import { test } from "vitest";

import { buildApp } from "../../../../apps/quotes/app.ts";
import { renderOpenApi } from "../../../../apps/quotes/openapi.ts";
import { quotesSchema, type Quotes } from "../../../../apps/quotes/schema.ts";

test("GET /quotes answers what its schema says, and is not to be cached", async ({ expect }) => {
  const answer = await buildApp({ seed: 1, now: () => Date.UTC(2026, 0, 1) }).inject("/quotes");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  });
  const ajv = new Ajv({ formats: { "date-time": (text: string) => new Date(text).toISOString() === text } });
  const isQuotes = ajv.compile<Quotes>(quotesSchema);
  expect(isQuotes(answer.json()), JSON.stringify(isQuotes.errors)).toBe(true);
  expect(answer.json<Quotes>().quotes).toHaveLength(11);
});

test("two callers in one instant see the same, and a second later something else", async ({ expect }) => {
  let now = Date.UTC(2026, 0, 1, 12);
  const app = buildApp({ seed: 1, now: () => now });
  const [one, other] = await Promise.all([app.inject("/quotes"), app.inject("/quotes")]);
  expect(other.body).toBe(one.body);
  now += 1000;
  const later = await app.inject("/quotes");
  expect(later.json<Quotes>().quotes).not.toEqual(one.json<Quotes>().quotes);
});

test("apps/quotes/openapi.json is what `node apps/quotes/openapi.ts` writes", async ({ expect }) => {
  const committed = await readFile(new URL("../../../../apps/quotes/openapi.json", import.meta.url), "utf8");
  expect(committed).toBe(await renderOpenApi());
});
