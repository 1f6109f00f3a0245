// The routes of the broker: the page, and the JSON it refreshes itself from.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";

import { problemSchema } from "../plugins/problem.ts";
import { loadPage } from "./page/page.ts";
import type { QuotesSource, Reading, Received } from "./quotes-source.ts";
import { liveSchema, unavailableSchema, type LiveAnswer, type UnavailableAnswer } from "./schema.ts";

export interface BrokerRoutesOptions {
  readonly source: QuotesSource;
  readonly now: () => number;
}

/** Adds `GET /`, `GET /quotes` (the page) and `GET /api/quotes`. */
export function addBrokerRoutes(app: FastifyInstance, { source, now }: BrokerRoutesOptions): void {
  const page = loadPage();
  app.get("/", (_request, reply) => reply.redirect("/quotes"));

  // 200 also without quotes: the page is there, and says what is not.
  app.get("/quotes", async (_request, reply) => {
    const answer = answerOf(await source.read(), now());
    return reply.headers(page.headers).type("text/html; charset=utf-8").send(page.render(answer));
  });

  const schema = {
    operationId: "getQuotes",
    summary: "The quotes the page shows",
    response: { 200: liveSchema, 400: problemSchema, 503: unavailableSchema },
  } as const;
  app.withTypeProvider<TypeBoxTypeProvider>().get("/api/quotes", { schema }, async (_request, reply) => {
    const answer = answerOf(await source.read(), now());
    reply.header("cache-control", "no-store");
    return "code" in answer ? reply.code(503).send(answer) : reply.code(200).send(answer);
  });
}

/** A reading as the API answers it at `now`. */
function answerOf(reading: Reading, now: number): LiveAnswer | UnavailableAnswer {
  if (reading.state === "live") return liveAnswer(reading.received, now);
  const { since, last } = reading;
  return {
    code: "QUOTES_UNAVAILABLE",
    message: "Quotes service unavailable",
    since: new Date(since).toISOString(),
    ...(last === undefined ? {} : { lastData: liveAnswer(last, now) }),
  };
}

function liveAnswer({ asOf, quotes, hop, fetchedAt }: Received, now: number): LiveAnswer {
  return { asOf, fetchedAt: new Date(fetchedAt).toISOString(), ageMs: Math.max(0, now - fetchedAt), hop, quotes };
}
