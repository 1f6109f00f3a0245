// A market that never was: eleven prices as a pure function of a seed and the time, so that two callers in one instant
// see the same, and a restarted or replaced instance goes on where the last one was.

import type { Quote, Quotes } from "./schema.ts";

/** Sessions begin on the hour, UTC. */
export const sessionMs = 3_600_000;
/** Between two moments at which a price may change. */
export const tickMs = 250;

const ticksPerSession = sessionMs / tickMs;

export const symbols = [
  "AAAA",
  "BBBB",
  "CCCC",
  "DDDD",
  "EEEE",
  "FFFF",
  "GGGG",
  "HHHH",
  "IIII",
  "JJJJ",
  "KKKK",
] as const;

/** A stock is traded in about every seventh tick, so that in a second some prices move and most stand. */
const tradeChance = 0.15;
/** Standard deviations of the logarithm of a price: between two trades, and between two sessions. */
const volatility = 0.0007;
const overnight = 0.002;

export interface MarketOptions {
  readonly seed: number;
}

/**
 * Returns the quotes of a moment, given in milliseconds since the epoch. The result depends on seed and moment alone;
 * asking in order of time is merely quicker, because a session is walked tick by tick.
 */
export function createMarket({ seed }: MarketOptions): (nowMs: number) => Quotes {
  const stocks = symbols.map((symbol, index) => createStock(symbol, hash(seed, index)));
  return (nowMs) => {
    const tick = Math.floor(nowMs / tickMs);
    return { asOf: instant(tick), quotes: stocks.map((quoteAt) => quoteAt(tick)) };
  };
}

interface Walk {
  readonly session: number;
  readonly open: number;
  readonly close: number;
  /** Natural logarithm of the price this session will close at. */
  readonly target: number;
  /** Ticks of the session that have been walked. */
  ticks: number;
  /** Natural logarithm of the price before rounding. */
  level: number;
  price: number;
  low: number;
  high: number;
  /** The tick, of all time, of the last trade. */
  traded: number;
}

function createStock(symbol: string, key: number): (tick: number) => Quote {
  let walk: Walk | undefined;
  return (tick) => {
    const session = Math.floor(tick / ticksPerSession);
    const ticks = tick - session * ticksPerSession;
    if (walk === undefined || walk.session !== session || walk.ticks > ticks) walk = openSession(key, session);
    while (walk.ticks < ticks) step(walk, key);
    const { price, open, low, high, close, traded } = walk;
    return { symbol, price, open, low, high, close, time: instant(traded) };
  };
}

/** The session before closed at the anchor between the two; overnight the price jumps a little. */
function openSession(key: number, session: number): Walk {
  const closed = anchor(key, session);
  const level = closed + overnight * normal(key, session);
  const open = priceOf(level);
  return {
    session,
    open,
    close: priceOf(closed),
    target: anchor(key, session + 1),
    ticks: 0,
    level,
    price: open,
    low: open,
    high: open,
    traded: session * ticksPerSession,
  };
}

/**
 * One tick of a Brownian bridge in the logarithm of the price: a pull towards the target that grows as the session's
 * last tick nears, so that it ends at the price the next one calls its close, and a random step at every trade.
 */
function step(walk: Walk, key: number): void {
  const left = ticksPerSession - 1 - walk.ticks;
  walk.ticks += 1;
  walk.level += (walk.target - walk.level) / left;
  const tick = walk.session * ticksPerSession + walk.ticks;
  if (left > 1) {
    if (uniform(key ^ 1, tick) > tradeChance) return;
    walk.level += volatility * normal(key ^ 2, tick);
  }
  walk.price = priceOf(walk.level);
  walk.low = Math.min(walk.low, walk.price);
  walk.high = Math.max(walk.high, walk.price);
  walk.traded = tick;
}

/** Logarithm of the price between two sessions: around a base from 20 to 400, in slow waves that never run away. */
function anchor(key: number, session: number): number {
  const base = Math.log(20) + Math.log(20) * uniform(key, 0);
  return (
    base + 0.01 * wave(key ^ 3, session / 4) + 0.04 * wave(key ^ 4, session / 24) + 0.1 * wave(key ^ 5, session / 168)
  );
}

/** Value noise: a random value from -1 to 1 at every whole number, smooth in between. */
function wave(key: number, at: number): number {
  const before = Math.floor(at);
  const part = at - before;
  const weight = part * part * (3 - 2 * part);
  return 2 * (uniform(key, before) * (1 - weight) + uniform(key, before + 1) * weight) - 1;
}

/** About standard normal, by the sum of four uniform values, and never beyond ±3.5. */
function normal(key: number, n: number): number {
  const [a, b] = [hash(key, n), hash(key ^ 0x5bd1e995, n)];
  const sum = (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
  return (sum / 0xffff - 2) * Math.sqrt(3);
}

/** From 0 to below 1. */
function uniform(key: number, n: number): number {
  return hash(key, n) / 2 ** 32;
}

/** 32 bits from a key and a whole number below 2⁵³. */
function hash(key: number, n: number): number {
  return mix(mix(mix(key) ^ n) ^ Math.floor(n / 2 ** 32));
}

/** The finaliser of MurmurHash3. */
function mix(n: number): number {
  let h = n ^ (n >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function priceOf(level: number): number {
  return Math.max(0.01, Math.round(Math.exp(level) * 100) / 100);
}

function instant(tick: number): string {
  return new Date(tick * tickMs).toISOString();
}
