// The header x-forwarded-client-cert as Envoy writes it (HTTP connection manager, "x-forwarded-client-cert"): strict, so
// that whatever Envoy would not have written is refused rather than guessed at. A leaf: apps import it.

import { parseSpiffeId, type SpiffeId } from "./spiffe-id.ts";

/** One proxy hop: what the proxy saw in its TLS session. Keys that Envoy repeats are lists, in the header's order. */
export interface XfccElement {
  /** SPIFFE ID of the proxy itself. */
  readonly by: readonly string[];
  readonly uri: readonly string[];
  readonly dns: readonly string[];
  readonly hash?: string;
  readonly cert?: string;
  readonly chain?: string;
  readonly subject?: string;
}

export type ParsedXfcc =
  | { readonly ok: true; readonly elements: readonly XfccElement[] }
  /** One sentence without a full stop. It never repeats the header, so that it may be logged and answered. */
  | { readonly ok: false; readonly problem: string };

export type XfccCaller =
  | { readonly ok: true; readonly id: SpiffeId }
  | { readonly ok: false; readonly problem: string };

/** Two SPIFFE IDs of 2048 bytes and a hash are below 5 KiB; more is not what the mesh's sidecars write. */
export const maxXfccLength = 8192;

const listKeys = ["by", "uri", "dns"] as const;
const singleKeys = ["hash", "cert", "chain", "subject"] as const;

type Key = (typeof listKeys)[number] | (typeof singleKeys)[number];
type Pair = readonly [key: Key, value: string];

/** A key, `=`, and a value: bare (no delimiter, quote or space in it) or quoted, where a backslash escapes what follows. */
const pairSyntax = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\ ]*))/y;

/**
 * Reads a whole header: elements separated by `,`, pairs by `;`, keys case-insensitive. Nothing is skipped: one
 * character out of place, an unknown key or a key given twice that Envoy gives once refuses everything. Never throws.
 */
export function parseXfcc(header: string): ParsedXfcc {
  if (header === "") return refused("the header is empty");
  if (header.length > maxXfccLength) return refused(`the header is longer than ${maxXfccLength} bytes`);
  if (!/^[\x20-\x7e]*$/.test(header)) return refused("the header holds a character that is not printable ASCII");
  const elements: XfccElement[] = [];
  let pairs: Pair[] = [];
  let at = 0;
  do {
    const read = readPair(header, at);
    if ("problem" in read) return refused(read.problem);
    pairs.push(read.pair);
    if (header[read.end] !== ";") {
      const element = elementOf(pairs);
      if (element === undefined) return refused("a key that may stand once stands twice in one element");
      elements.push(element);
      pairs = [];
    }
    at = read.end + 1;
    // A delimiter at the very end promises a pair that is not there: one more round refuses it.
  } while (at <= header.length);
  return { ok: true, elements };
}

/**
 * The one caller a sidecar vouches for (`SANITIZE_SET` with the URI only): exactly one element with exactly one URI,
 * which is a SPIFFE ID. A certificate with two URIs is not an X.509-SVID (X509-SVID.md 2) and names nobody. Never throws.
 */
export function callerOf(header: string): XfccCaller {
  const parsed = parseXfcc(header);
  if (!parsed.ok) return parsed;
  const [element, ...others] = parsed.elements;
  if (element === undefined || others.length > 0) return refused("the header must have exactly one element");
  const [uri, ...more] = element.uri;
  if (uri === undefined || more.length > 0) return refused("the element must have exactly one URI");
  const id = parseSpiffeId(uri);
  // X509-SVID.md 3: without a path it is a signing certificate's, and no workload calls with one.
  if (id.ok && id.id.path === "") return { ok: false, problem: "the SPIFFE ID has no path" };
  return id;
}

/** The pair that starts at `at`, and where its delimiter (or the end) is. */
function readPair(header: string, at: number): { pair: Pair; end: number } | { problem: string } {
  pairSyntax.lastIndex = at;
  const match = pairSyntax.exec(header);
  if (match === null) return { problem: `character ${at + 1} does not begin a key=value pair` };
  const end = pairSyntax.lastIndex;
  if (end < header.length && header[end] !== ";" && header[end] !== ",") {
    return { problem: `character ${end + 1} is neither the end of a value nor a delimiter` };
  }
  const [, name = "", quoted, bare = ""] = match;
  const key = [...listKeys, ...singleKeys].find((known) => known === name.toLowerCase());
  if (key === undefined) return { problem: `the key at character ${at + 1} is none that Envoy writes` };
  return { pair: [key, quoted === undefined ? bare : unescape(quoted)], end };
}

/** Envoy escapes the quote; in a subject (RFC 2253) a backslash escapes more, which stays as it is. */
function unescape(quoted: string): string {
  return quoted.replaceAll(/\\(["\\])/g, "$1");
}

function elementOf(pairs: readonly Pair[]): XfccElement | undefined {
  const valuesOf = (wanted: Key): string[] => pairs.filter(([key]) => key === wanted).map(([, value]) => value);
  const singles: { -readonly [key in (typeof singleKeys)[number]]?: string } = {};
  for (const key of singleKeys) {
    const [value, ...more] = valuesOf(key);
    if (more.length > 0) return undefined;
    if (value !== undefined) singles[key] = value;
  }
  return { by: valuesOf("by"), uri: valuesOf("uri"), dns: valuesOf("dns"), ...singles };
}

function refused(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
