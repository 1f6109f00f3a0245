// What GET /quotes answers, as JSON Schema. Literals rather than builder calls: typebox infers the same types from
// them, and its runtime would take as long to load as the rest of the app.

import type { Static } from "typebox";

const price = { type: "number", exclusiveMinimum: 0 } as const;
const instant = { type: "string", format: "date-time" } as const;

export const quoteSchema = {
  type: "object",
  required: ["symbol", "price", "open", "low", "high", "close", "time"],
  additionalProperties: false,
  properties: {
    symbol: { type: "string", pattern: "^[A-Z]{1,8}$", examples: ["AAAA"] },
    price: { ...price, description: "The last price paid; like every price, it has two decimals." },
    open: { ...price, description: "The first price of this session." },
    low: { ...price, description: "The lowest price of this session; low ≤ price." },
    high: { ...price, description: "The highest price of this session; price ≤ high." },
    close: { ...price, description: "The last price of the session before." },
    time: { ...instant, description: "When the last price was paid." },
  },
} as const;

export const quotesSchema = {
  type: "object",
  required: ["asOf", "quotes"],
  additionalProperties: false,
  properties: {
    asOf: { ...instant, description: "The moment of the market these quotes are of." },
    quotes: { type: "array", items: quoteSchema },
  },
} as const;

export type Quote = Static<typeof quoteSchema>;
export type Quotes = Static<typeof quotesSchema>;
