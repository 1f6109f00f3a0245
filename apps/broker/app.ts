// The broker: a page of live quotes, fetched from another trust domain through its sidecar. Builds, listens nowhere.

import type { FastifyInstance } from "fastify";

import type { Address } from "../plugins/address.ts";
import { createApp, type AppOptions } from "../plugins/app.ts";
import { createUpstream } from "../plugins/upstream.ts";
import { createQuotesSource, loadValidator } from "./quotes-source.ts";
import { addBrokerRoutes } from "./routes.ts";

export interface BrokerAppOptions extends AppOptions {
  /** The sidecar's outbound socket, or the quotes service itself. */
  readonly quotes: Address;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The page refreshes every second: a call that takes longer than this has failed for it. 800 ms unless given. */
  readonly quotesTimeoutMs?: number;
}

export function buildApp({ quotes, now, quotesTimeoutMs = 800, ...options }: BrokerAppOptions): FastifyInstance {
  const app = createApp(options);
  const upstream = createUpstream({ name: "quotes", address: quotes, timeoutMs: quotesTimeoutMs });
  const source = createQuotesSource({ upstream, now, log: app.log });
  addBrokerRoutes(app, { source, now });
  loadAfterFirstAnswer(app, async () => {
    await upstream.warm();
    await loadValidator();
  });
  app.addHook("onClose", () => upstream.close());
  return app;
}

/**
 * Loads what only pages need once somebody was answered: the first answer is that of a probe, which should be quick,
 * and the first page should not wait either.
 */
function loadAfterFirstAnswer(app: FastifyInstance, load: () => Promise<void>): void {
  let loaded = false;
  app.addHook("onResponse", async () => {
    if (loaded) return;
    loaded = true;
    await load();
  });
}
