// The broker's view of the quotes service: asks when asked, remembers the last quotes and since when there are none.

import type { FastifyBaseLogger } from "fastify";

import { parseSpiffeId } from "../../scripts/spiffe/spiffe-id.ts";
import { UpstreamError, type Upstream, type UpstreamAnswer } from "../plugins/upstream.ts";
import { upstreamSchema, type Hop, type UpstreamQuotes } from "./schema.ts";

/** Quotes as they arrived. */
export interface Received {
  readonly asOf: string;
  readonly quotes: UpstreamQuotes["quotes"];
  readonly hop: Hop | null;
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly fetchedAt: number;
}

export type Reading =
  | { readonly state: "live"; readonly received: Received }
  | { readonly state: "unavailable"; readonly since: number; readonly last: Received | undefined };

export interface QuotesSource {
  /** Never throws and never takes longer than the upstream's time limit. Calls at the same time share one request. */
  readonly read: () => Promise<Reading>;
}

export interface QuotesSourceOptions {
  readonly upstream: Upstream;
  readonly now: () => number;
  readonly log: FastifyBaseLogger;
}

export function createQuotesSource({ upstream, now, log }: QuotesSourceOptions): QuotesSource {
  let last: Received | undefined;
  let since: number | undefined;
  let underWay: Promise<Reading> | undefined;

  const ask = async (): Promise<Reading> => {
    try {
      last = await receive(upstream, now);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (since === undefined) log.warn({ failure: error.failure, reason: error.message }, "quotes unavailable");
      since ??= now();
      return { state: "unavailable", since, last };
    }
    if (since !== undefined) log.info({ unavailableMs: now() - since }, "quotes available again");
    since = undefined;
    return { state: "live", received: last };
  };

  return {
    read: () => {
      underWay ??= ask().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };
}

async function receive(upstream: Upstream, now: () => number): Promise<Received> {
  const isQuotes = await loadValidator();
  const { headers, body } = await upstream.getJson("/quotes");
  if (!isQuotes(body)) throw new UpstreamError("INVALID", "quotes answered JSON that is not quotes");
  return { asOf: body.asOf, quotes: body.quotes, hop: hopOf(headers), fetchedAt: now() };
}

/** The hop, only when the sidecar names both ends; an app run alone has none, and half a hop proves nothing. */
function hopOf(headers: UpstreamAnswer["headers"]): Hop | null {
  const caller = parseSpiffeId(String(headers["x-caller-spiffe-id"] ?? ""));
  const callee = parseSpiffeId(String(headers["x-callee-spiffe-id"] ?? ""));
  return caller.ok && callee.ok ? { caller: caller.id.uri, callee: callee.id.uri } : null;
}

let validator: Promise<(body: unknown) => body is UpstreamQuotes> | undefined;

/** ajv is slow to load, and needed only when the first answer comes. */
export function loadValidator(): Promise<(body: unknown) => body is UpstreamQuotes> {
  validator ??= import("ajv").then(({ Ajv }) => new Ajv().compile<UpstreamQuotes>(upstreamSchema));
  return validator;
}
