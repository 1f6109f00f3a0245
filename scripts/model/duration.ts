// Durations as mesh.yaml writes them: `250ms`, `10s`, `1h30m`.

const form = /^(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s)?(?:(\d{1,7})ms)?$/;

/** Pattern for editors; `parseDuration` decides. */
export const durationPattern = "^(?=.)([0-9]{1,7}h)?([0-9]{1,7}m)?([0-9]{1,7}s)?([0-9]{1,7}ms)?$";

/** Milliseconds; undefined when `text` is not a duration. Units in this order, each once: h, m, s, ms. */
export function parseDuration(text: string): number | undefined {
  const match = form.exec(text);
  if (match === null || text === "") return undefined;
  const [hours, minutes, seconds, milliseconds] = match.slice(1).map((digits) => Number(digits ?? 0));
  return (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1000 + (milliseconds ?? 0);
}

/** The shortest spelling of a duration: `1h30m`. */
export function formatDuration(ms: number): string {
  const parts: [amount: number, unit: string][] = [
    [Math.floor(ms / 3_600_000), "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1000) % 60, "s"],
    [ms % 1000, "ms"],
  ];
  const spelt = parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount}${unit}`);
  return spelt.length === 0 ? "0s" : spelt.join("");
}

const words: [spelling: RegExp, unit: string, factor: number][] = [
  [/^(\d{1,7}) ?(?:|s|secs?|seconds?)$/, "s", 1],
  [/^(\d{1,7}) ?(?:m|mins?|minutes?)$/, "m", 1],
  [/^(\d{1,7}) ?(?:h|hrs?|hours?)$/, "h", 1],
  [/^(\d{1,5}) ?(?:d|days?)$/, "h", 24],
  [/^(\d{1,7}) ?(?:ms|millis(?:econds)?)$/, "ms", 1],
];

/** What somebody who wrote `24 hours` or `7d` meant, as a duration; undefined when that cannot be told. */
export function durationMeant(text: string): string | undefined {
  for (const [spelling, unit, factor] of words) {
    const amount = spelling.exec(text.trim().toLowerCase())?.[1];
    if (amount !== undefined) return `${Number(amount) * factor}${unit}`;
  }
  return undefined;
}
