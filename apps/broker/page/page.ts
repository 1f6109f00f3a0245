// The page as one HTML document with its style and script inside: nothing else is ever fetched, and the first paint has
// real data. The content security policy admits exactly this style and this script.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import type { LiveAnswer, Quote, UnavailableAnswer } from "../schema.ts";
import { hopSection, quoteRow, quotesTable } from "./markup.ts";
import * as text from "./text.ts";

export interface Page {
  readonly headers: Readonly<Record<string, string>>;
  readonly render: (answer: LiveAnswer | UnavailableAnswer) => string;
}

interface Parts {
  readonly style: string;
  readonly script: string;
}

/** Reads style and script, once. */
export function loadPage(): Page {
  const style = readFileSync(new URL("page.css", import.meta.url), "utf8");
  const script = `${Object.values(text).join("\n")}\n${readFileSync(new URL("page.js", import.meta.url), "utf8")}`;
  return {
    headers: {
      "cache-control": "no-store",
      "content-security-policy": contentSecurityPolicy({ style, script }),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
    render: (answer) => documentOf(answer, { style, script }),
  };
}

function contentSecurityPolicy({ style, script }: Parts): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

function hashOf(source: string): string {
  return `sha256-${createHash("sha256").update(source).digest("base64")}`;
}

/** Without JavaScript the document reloads itself; page.js keeps it current in place. */
function documentOf(answer: LiveAnswer | UnavailableAnswer, { style, script }: Parts): string {
  const data = "code" in answer ? answer.lastData : answer;
  const hasData = data !== undefined;
  const state = "code" in answer ? "unavailable" : "live";
  const since = "code" in answer ? answer.since : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Quotes</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
<noscript><meta http-equiv="refresh" content="3"></noscript>
</head>
<body data-state="${state}"${hasData ? ` data-age-ms="${data.ageMs}"` : ""}>
<header>
<h1>Quotes</h1>
<p id="state" role="status" aria-live="polite">${text.stateText(state, since, hasData)}</p>
<p id="age"${hasData ? "" : " hidden"}>Data <span>${hasData ? text.formatAge(data.ageMs) : ""}</span> old</p>
</header>
<main>
${hopSection(data?.hop ?? null)}
${quotesTable(data?.quotes ?? [])}
<p id="empty"${hasData ? " hidden" : ""}>No quotes have arrived yet.</p>
</main>
<footer><p>Demonstration prices as of <time id="as-of">${hasData ? text.formatTime(data.asOf) : "–"}</time>. Change is against the previous close; the mark on each range is the open.</p></footer>
<template id="row">${quoteRow(blankQuote)}</template>
<script type="module">${script}</script>
</body>
</html>
`;
}

/** What page.js clones when a symbol is new. */
const blankQuote: Quote = { symbol: "", price: 1, open: 1, low: 1, high: 1, close: 1, time: new Date(0).toISOString() };

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%231f5fbf'/%3E" +
  "%3Cpath d='M3 11l3-4 3 2 4-5' fill='none' stroke='white' stroke-width='1.8' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";
