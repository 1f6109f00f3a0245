// Everything the page says, on the server and in the browser: page.ts sends these very functions along as source text,
// so they may use nothing but one another and what every browser has.

import type { Quote } from "../schema.ts";

/** The cells of a row, by the names that markup.ts gives them. */
export function cellsOf(quote: Quote): Record<string, string> {
  const change = quote.price - quote.close;
  return {
    symbol: quote.symbol,
    price: formatPrice(quote.price),
    change: formatSigned(change),
    percent: `${formatSigned((100 * change) / quote.close)} %`,
    low: formatPrice(quote.low),
    high: formatPrice(quote.high),
    open: formatPrice(quote.open),
    close: formatPrice(quote.close),
    time: formatClock(quote.time),
  };
}

/** Where `price` lies between low and high, from 0 to 100, to a tenth. */
export function positionOf(price: number, quote: Quote): string {
  const width = quote.high - quote.low;
  const part = width > 0 ? (price - quote.low) / width : 0.5;
  return (100 * Math.min(1, Math.max(0, part))).toFixed(1);
}

export function formatPrice(price: number): string {
  return price.toFixed(2);
}

/** `+1.20`, `−0.35`, `0.00`: a true minus sign, as wide as the plus. */
export function formatSigned(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  if (Number(digits) === 0) return digits;
  return `${value < 0 ? "−" : "+"}${digits}`;
}

/** By what is shown rather than by what is left after rounding. */
export function directionOf(shown: string): "up" | "down" | "same" {
  if (shown.startsWith("+")) return "up";
  return shown.startsWith("−") ? "down" : "same";
}

/** `21:04:09`, in UTC: the same for every reader, and the same as in the logs. */
export function formatClock(instant: string): string {
  return new Date(instant).toISOString().slice(11, 19);
}

/** `21:04:09 UTC`, which no line break divides. */
export function formatTime(instant: string): string {
  return `${formatClock(instant)}\u00a0UTC`;
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 10) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `unavailable`: the broker has no quotes. `unreachable`: the page has no broker. `since` is ISO 8601. */
export function stateText(state: "live" | "unavailable" | "unreachable", since: string, hasData: boolean): string {
  if (state === "live") return "Live";
  const what = state === "unavailable" ? "Quotes service unavailable" : "Broker unreachable";
  return `${what} since ${formatTime(since)}${hasData ? ". These are the last quotes." : "."}`;
}
