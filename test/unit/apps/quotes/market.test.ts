import * as fc from "fast-check";
import { test } from "vitest";

import { createMarket, sessionMs, symbols, tickMs } from "../../../../apps/quotes/market.ts";

const seeds = fc.integer();
/** Sessions between 1970 and 2100, on both sides of 2³² ticks. */
const sessions = fc.integer({ min: 0, max: Date.UTC(2100) / sessionMs });

/** Moments of one session and the next, in order. */
const walks = fc.tuple(
  seeds,
  sessions,
  fc
    .array(fc.integer({ min: 0, max: 2 * sessionMs - 1 }), { minLength: 2, maxLength: 20 })
    .map((offsets) => offsets.toSorted((a, b) => a - b)),
);
const runs = { numRuns: 10 };

test("low ≤ price ≤ high, low ≤ open ≤ high, and all are positive and have two decimals, always", ({ expect }) => {
  fc.assert(
    fc.property(walks, ([seed, session, offsets]) => {
      const quotesAt = createMarket({ seed });
      for (const offset of offsets) {
        for (const { price, open, low, high, close } of quotesAt(session * sessionMs + offset).quotes) {
          expect(low <= price && price <= high && low <= open && open <= high).toBe(true);
          for (const value of [price, open, low, high, close]) {
            expect(value).toBeGreaterThan(0);
            expect(value).toBe(Number(value.toFixed(2)));
          }
        }
      }
    }),
    runs,
  );
});

test("within a session open and close stand, low only falls, high only rises, and time never runs back", ({
  expect,
}) => {
  fc.assert(
    fc.property(walks, ([seed, session, offsets]) => {
      const quotesAt = createMarket({ seed });
      let before = quotesAt(session * sessionMs).quotes;
      for (const offset of offsets.filter((ms) => ms < sessionMs)) {
        const now = quotesAt(session * sessionMs + offset).quotes;
        for (const [index, quote] of now.entries()) {
          const last = before[index];
          expect(quote).toMatchObject({ symbol: last?.symbol, open: last?.open, close: last?.close });
          expect(quote.low).toBeLessThanOrEqual(last?.low ?? 0);
          expect(quote.high).toBeGreaterThanOrEqual(last?.high ?? Infinity);
          expect(quote.time >= (last?.time ?? "")).toBe(true);
        }
        before = now;
      }
    }),
    runs,
  );
});

test("the quotes of a moment depend on seed and moment alone, not on who asked before", ({ expect }) => {
  fc.assert(
    fc.property(walks, ([seed, session, offsets]) => {
      const often = createMarket({ seed });
      for (const offset of offsets) often(session * sessionMs + offset);
      for (const offset of [offsets.at(-1) ?? 0, offsets[0] ?? 0]) {
        const moment = session * sessionMs + offset;
        expect(often(moment)).toEqual(createMarket({ seed })(moment));
      }
    }),
    runs,
  );
});

test("the last price of a session is the next one's close, and the session opens near it", ({ expect }) => {
  fc.assert(
    fc.property(seeds, sessions, (seed, session) => {
      const quotesAt = createMarket({ seed });
      const last = quotesAt((session + 1) * sessionMs - 1).quotes;
      const first = quotesAt((session + 1) * sessionMs).quotes;
      expect(first.map(({ close }) => close)).toEqual(last.map(({ price }) => price));
      for (const { open, price, low, high, close } of first) {
        expect([price, low, high]).toEqual([open, open, open]);
        expect(Math.abs(open / close - 1)).toBeLessThan(0.01);
      }
    }),
    runs,
  );
});

test("no price moves by more than one percent in a tick, and in a second some price moves", ({ expect }) => {
  const quotesAt = createMarket({ seed: 1867 });
  const start = Date.UTC(2026, 0, 1, 12, 30);
  let before = quotesAt(start).quotes;
  let moved = 0;
  for (let ms = tickMs; ms <= 60_000; ms += tickMs) {
    const now = quotesAt(start + ms).quotes;
    for (const [index, { price }] of now.entries()) {
      const last = before[index]?.price ?? 0;
      expect(Math.abs(price / last - 1)).toBeLessThan(0.01);
      if (price !== last) moved += 1;
    }
    before = now;
  }
  // Eleven symbols for a minute, traded about every seventh tick: some 400 moves.
  expect(moved).toBeGreaterThan(200);
});

test("prices stay within sight of where they began for a century", ({ expect }) => {
  const quotesAt = createMarket({ seed: 1867 });
  for (let year = 1970; year < 2100; year += 1) {
    for (const { price } of quotesAt(Date.UTC(year)).quotes) {
      expect(price).toBeGreaterThan(10);
      expect(price).toBeLessThan(600);
    }
  }
});

test("the symbols are eleven, AAAA to KKKK, in order", ({ expect }) => {
  const { asOf, quotes } = createMarket({ seed: 1 })(Date.UTC(2026, 0, 1, 0, 0, 0, 999));
  expect(quotes.map(({ symbol }) => symbol)).toEqual([...symbols]);
  expect(symbols.map((symbol) => symbol.codePointAt(0))).toEqual(Array.from({ length: 11 }, (_, index) => 65 + index));
  expect(asOf).toBe("2026-01-01T00:00:00.750Z");
});
