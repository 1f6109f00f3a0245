// The routes of the quotes service, apart from app.ts so that their OpenAPI document can be written without the rest.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";

import { problemSchema } from "../plugins/problem.ts";
import { quotesSchema, type Quotes } from "./schema.ts";

export interface QuotesRoutesOptions {
  /** The quotes of this instant. */
  readonly quotes: () => Quotes;
}

/** Adds `GET /quotes`. */
export function addQuotesRoutes(app: FastifyInstance, { quotes }: QuotesRoutesOptions): void {
  const schema = {
    operationId: "getQuotes",
    summary: "The market as it is now",
    response: { 200: { ...quotesSchema, description: "All symbols, at one moment." }, 400: problemSchema },
  } as const;
  app.withTypeProvider<TypeBoxTypeProvider>().get("/quotes", { schema }, (_request, reply) => {
    reply.header("cache-control", "no-store").send(quotes());
  });
}
