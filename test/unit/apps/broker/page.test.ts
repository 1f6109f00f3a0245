import { createHash } from "node:crypto";

import { test } from "vitest";

import { escape } from "../../../../apps/broker/page/markup.ts";
import { loadPage } from "../../../../apps/broker/page/page.ts";
import { cellsOf, formatAge, positionOf, stateText } from "../../../../apps/broker/page/text.ts";
import type { LiveAnswer, UnavailableAnswer } from "../../../../apps/broker/schema.ts";

const quote = {
  symbol: "AAAA",
  price: 10.5,
  open: 10,
  low: 9,
  high: 11,
  close: 10.7,
  time: "2026-01-01T11:59:59.250Z",
};
const live: LiveAnswer = {
  asOf: "2026-01-01T12:00:00.000Z",
  fetchedAt: "2026-01-01T12:00:00.000Z",
  ageMs: 420,
  hop: { caller: "spiffe://broker.example/webapp", callee: "spiffe://stockmarket.example/quotes-service" },
  quotes: [quote, { ...quote, symbol: "BBBB", price: 10.7 }],
};
const unavailable: UnavailableAnswer = {
  code: "QUOTES_UNAVAILABLE",
  message: "Quotes service unavailable",
  since: "2026-01-01T12:03:41.000Z",
};

test("the first paint has the quotes, the state, the age and both ends of the hop", ({ expect }) => {
  const html = loadPage().render(live);
  expect(html).toContain(`<body data-state="live" data-age-ms="420">`);
  expect(html).toMatch(/<p id="state" role="status" aria-live="polite">\s*Live\s*<\/p>/);
  expect(html).toContain(`<code id="caller">spiffe://broker.example/webapp</code>`);
  expect(html).toContain(`<code id="callee">spiffe://stockmarket.example/quotes-service</code>`);
  expect(html).toContain(`<tr role="row" data-symbol="AAAA" data-change="down" data-tick="same">`);
  expect(html).toContain(`<span data-field="price">10.50</span>`);
  expect(html).toContain(`<span data-field="change">−0.20</span> <span data-field="percent">−1.87 %</span>`);
});

test("without quotes the page says so, since when, and shows the last ones", ({ expect }) => {
  const html = loadPage().render({ ...unavailable, lastData: live });
  expect(html).toContain(`<body data-state="unavailable" data-age-ms="420">`);
  expect(html).toContain("Quotes service unavailable since 12:03:41\u00a0UTC. These are the last quotes.");
  expect(html).toContain(`<span data-field="price">10.50</span>`);
});

test("when quotes never came the page says that, and has no hop and no age", ({ expect }) => {
  const html = loadPage().render(unavailable);
  expect(html).toContain(`<body data-state="unavailable">`);
  expect(html).toMatch(/<section id="hop"[^>]* hidden>/);
  expect(html).toContain(`<p id="age" hidden>`);
  expect(html).toContain(`<p id="empty">No quotes have arrived yet.</p>`);
});

function hash(source = ""): string {
  return `'sha256-${createHash("sha256").update(source).digest("base64")}'`;
}

test("the policy admits exactly the style and the script of the page, and nothing from elsewhere", ({ expect }) => {
  const page = loadPage();
  const html = page.render(live);
  const policy = page.headers["content-security-policy"]?.split("; ");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain(`style-src ${hash(/<style>(.*?)<\/style>/s.exec(html)?.[1])}`);
  expect(policy).toContain(`script-src ${hash(/<script type="module">(.*?)<\/script>/s.exec(html)?.[1])}`);
  expect(policy?.join(" ")).not.toContain("unsafe");
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)| style=| on[a-z]+="/);
});

test("what comes from elsewhere is text on the page, never markup", ({ expect }) => {
  const evil = `<img src=x onerror="alert(1)">'&`;
  const html = loadPage().render({ ...live, hop: null, quotes: [{ ...quote, symbol: evil }] });
  expect(html).not.toContain("<img");
  expect(html).toContain(escape(evil));
  expect(escape(evil)).not.toMatch(/[<>"']/);
});

test("numbers have signs and two decimals, and what rounds to nothing has none", ({ expect }) => {
  expect(cellsOf(quote)).toEqual({
    symbol: "AAAA",
    price: "10.50",
    change: "−0.20",
    percent: "−1.87 %",
    low: "9.00",
    high: "11.00",
    open: "10.00",
    close: "10.70",
    time: "11:59:59",
  });
  expect(cellsOf({ ...quote, price: 10.701 })).toMatchObject({ change: "0.00" });
  expect(cellsOf({ ...quote, price: 12 })).toMatchObject({ change: "+1.30", percent: "+12.15 %" });
});

test("a price has its place between low and high, and the middle when there is no between", ({ expect }) => {
  expect(positionOf(9, quote)).toBe("0.0");
  expect(positionOf(10.5, quote)).toBe("75.0");
  expect(positionOf(12, quote)).toBe("100.0");
  expect(positionOf(5, { ...quote, low: 5, high: 5 })).toBe("50.0");
});

test("age is exact while it is young", ({ expect }) => {
  const ages = [0, 449, 9999, 10_000, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000];
  expect(ages.map(formatAge)).toEqual([
    "0.0 s",
    "0.4 s",
    "9.9 s",
    "10 s",
    "59 s",
    "1 min 0 s",
    "59 min 59 s",
    "1 h 0 min",
    "25 h 0 min",
  ]);
});

test("a broker that cannot be reached is told from quotes that are not there", ({ expect }) => {
  expect(stateText("unreachable", "2026-01-01T12:03:41.000Z", true)).toBe(
    "Broker unreachable since 12:03:41\u00a0UTC. These are the last quotes.",
  );
  expect(stateText("unavailable", "2026-01-01T12:03:41.000Z", false)).toBe(
    "Quotes service unavailable since 12:03:41\u00a0UTC.",
  );
});
