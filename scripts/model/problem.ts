// What can be wrong with mesh.yaml: where, what, and what to write instead. Words only; nothing here knows the language.

/** Keys and indexes from the root of the file to a place in it. */
export type Path = readonly (string | number)[];

/** A problem as a rule finds it: by path, before line and column are known. */
export interface Finding {
  readonly path: Path;
  /** Whether the key or the value is at fault. */
  readonly at: "key" | "value";
  /** What is wrong, one sentence without a full stop. */
  readonly message: string;
  /** What to write: "write `…`", "did you mean `…`?". */
  readonly suggestion?: string | undefined;
  /** `not-yet`: right, but this version does not build it. */
  readonly kind?: "invalid" | "not-yet";
}

/** The line a key stands on, for sentences that name another place. */
export type LineOf = (path: Path) => number;

/** A problem as an editor or a person wants it. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  /** JSON pointer (RFC 6901) to the place; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | undefined;
  readonly kind: "invalid" | "not-yet";
}

/** What a reader makes of a scalar: its value, or one sentence and what to write. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly suggestion: string };

export function jsonPointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

const longestQuote = 80;
const longestSuggestion = 400;

/** What a person wrote, fit for a terminal: control and format characters escaped, shortened when long. */
export function quote(text: string, longest = longestQuote): string {
  if (text === "") return '`""`';
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return `\`${short.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter)}\``;
}

/** "write `…`", with what to write in full. */
export function write(text: string): string {
  return `write ${quote(text, longestSuggestion)}`;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\\u{${code.toString(16)}}`;
}

/** `a`, `b` and `c`. */
export function listed(words: readonly string[], conjunction: "and" | "or"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${conjunction} ${words.at(-1)}`;
}

/** The candidate a person most likely meant, when one is near enough. Case, dashes and underscores do not count. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > longestQuote) return undefined;
  const plainWord = plain(word);
  const limit = Math.max(1, Math.min(3, Math.floor(plainWord.length / 3)));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(plainWord, plain(candidate));
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** "did you mean `…`?", or `otherwise` when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>, otherwise: string): string {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? otherwise : `did you mean ${quote(candidate)}?`;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const substituted = (previous[column - 1] ?? 0) + (same ? 0 : 1);
      const cost = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substituted);
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(swapped ? Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1) : cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
