// What the broker needs of the quotes service, and what its own API answers. Literals, as in apps/quotes/schema.ts.

import type { Static } from "typebox";

const instant = {
  type: "string",
  maxLength: 40,
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$",
} as const;
const price = { type: "number", exclusiveMinimum: 0 } as const;
const spiffeId = { type: "string", examples: ["spiffe://broker.example/webapp"] } as const;

const quoteSchema = {
  type: "object",
  required: ["symbol", "price", "open", "low", "high", "close", "time"],
  properties: {
    symbol: { type: "string", minLength: 1, maxLength: 12 },
    price: { ...price, description: "The last price paid." },
    open: { ...price, description: "The first price of this session." },
    low: { ...price, description: "The lowest price of this session." },
    high: { ...price, description: "The highest price of this session." },
    close: { ...price, description: "The last price of the session before." },
    time: { ...instant, description: "When the last price was paid." },
  },
} as const;

/** The part of the quotes service's contract that the broker relies on; more may come. */
export const upstreamSchema = {
  type: "object",
  required: ["asOf", "quotes"],
  properties: { asOf: instant, quotes: { type: "array", maxItems: 500, items: quoteSchema } },
} as const;

const hopSchema = {
  type: "object",
  description: "Both ends of the TLS session these quotes came through, as the sidecar verified them.",
  required: ["caller", "callee"],
  additionalProperties: false,
  properties: { caller: spiffeId, callee: spiffeId },
} as const;

/** `GET /api/quotes` when quotes are there. */
export const liveSchema = {
  type: "object",
  description: "Quotes, asked for just now.",
  required: ["asOf", "fetchedAt", "ageMs", "hop", "quotes"],
  additionalProperties: false,
  properties: {
    asOf: { ...instant, description: "The moment of the market, by the quotes service's clock." },
    fetchedAt: { ...instant, description: "When they arrived, by the broker's clock." },
    ageMs: { type: "number", minimum: 0, description: "Milliseconds from fetchedAt to this answer." },
    hop: { anyOf: [hopSchema, { type: "null" }], description: "Null when no sidecar vouches for the hop." },
    quotes: upstreamSchema.properties.quotes,
  },
} as const;

/** `GET /api/quotes` when they are not: status 503. */
export const unavailableSchema = {
  type: "object",
  description: "The quotes service did not answer, or not with quotes.",
  required: ["code", "message", "since"],
  additionalProperties: false,
  properties: {
    code: { type: "string", const: "QUOTES_UNAVAILABLE" },
    message: { type: "string" },
    since: { ...instant, description: "When the broker first noticed." },
    lastData: { ...liveSchema, description: "The last quotes the broker had; absent when it never had any." },
  },
} as const;

export type UpstreamQuotes = Static<typeof upstreamSchema>;
export type Quote = UpstreamQuotes["quotes"][number];
export type Hop = Static<typeof hopSchema>;
export type LiveAnswer = Static<typeof liveSchema>;
export type UnavailableAnswer = Static<typeof unavailableSchema>;
