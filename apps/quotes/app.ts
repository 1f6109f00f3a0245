// The quotes service: builds, listens nowhere.

import type { FastifyInstance } from "fastify";

import { createApp, type AppOptions } from "../plugins/app.ts";
import { createMarket } from "./market.ts";
import { addQuotesRoutes } from "./routes.ts";

export interface QuotesAppOptions extends AppOptions {
  readonly seed: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function buildApp({ seed, now, ...options }: QuotesAppOptions): FastifyInstance {
  const app = createApp(options);
  const quotesAt = createMarket({ seed });
  addQuotesRoutes(app, { quotes: () => quotesAt(now()) });
  return app;
}
