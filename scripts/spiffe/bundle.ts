// A trust domain's public keys, as one value and as a SPIFFE bundle document (SPIFFE_Trust_Domain_and_Bundle.md 4).
// Reading is strict, because a wrong bundle is a wrong root of trust.

import { X509Certificate, createHash, createPublicKey } from "node:crypto";

import { refusalOfCa } from "./ca-profile.ts";
import { refusalOfJwtKey } from "./jwt-profile.ts";

export interface Bundle {
  /** `broker.example`. The document does not name it: whoever hands one over must say whose it is. */
  readonly trustDomain: string;
  /** DER of each CA certificate whose X.509-SVIDs count. */
  readonly x509Authorities: readonly Uint8Array[];
  readonly jwtAuthorities: readonly JwtAuthority[];
  /** Grows with every change; absent when the publisher does not number its bundles. Exact up to 2^53. */
  readonly sequence?: number;
  /** How often a consumer should look again, in seconds. */
  readonly refreshHintSeconds?: number;
}

export interface JwtAuthority {
  readonly keyId: string;
  /** DER, SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

export type ParsedBundle =
  | { readonly ok: true; readonly bundle: Bundle }
  /** Every problem that was found, as sentences without a full stop. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** The bundle as a SPIFFE bundle document: JSON with a final newline, the same bytes for the same bundle. */
export function toBundleDocument(bundle: Bundle): string {
  const keys = [
    // X509-SVID.md 6.1: exactly one x5c value, and no kid.
    ...bundle.x509Authorities.map((der) => ({
      ...new X509Certificate(der).publicKey.export({ format: "jwk" }),
      use: "x509-svid",
      x5c: [base64(der)],
    })),
    // JWT-SVID.md 5.1: kid is required.
    ...bundle.jwtAuthorities.map(({ keyId, publicKey }) => ({
      ...createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" }).export({ format: "jwk" }),
      use: "jwt-svid",
      kid: keyId,
    })),
  ];
  const document = {
    keys,
    spiffe_sequence: bundle.sequence,
    spiffe_refresh_hint: bundle.refreshHintSeconds,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/**
 * Reads the bundle document of `trustDomain`. Keys of unknown type or use are passed over, as the standard demands
 * (4.1.3, 4.2); a key of a known kind that breaks a rule makes the whole document invalid.
 */
export function parseBundleDocument(text: string, trustDomain: string): ParsedBundle {
  const document = readJson(text);
  if (!isRecord(document)) return { ok: false, problems: ["it is not a JSON object"] };
  const problems: string[] = [];
  const sequence = wholeNumber(document, "spiffe_sequence", problems);
  const refreshHintSeconds = wholeNumber(document, "spiffe_refresh_hint", problems);
  if (!Array.isArray(document.keys)) problems.push("`keys` is missing or is not a list");
  const listed: readonly unknown[] = Array.isArray(document.keys) ? document.keys : [];
  const x509Authorities: Uint8Array[] = [];
  const jwtAuthorities: JwtAuthority[] = [];
  for (const [index, key] of listed.entries()) {
    const read = readKey(key, trustDomain);
    if (read.kind === "invalid") problems.push(`key ${index + 1}: ${read.problem}`);
    if (read.kind === "x509") x509Authorities.push(read.der);
    if (read.kind === "jwt") jwtAuthorities.push(read.authority);
  }
  if (problems.length > 0) return { ok: false, problems };
  const bundle: Bundle = {
    trustDomain,
    x509Authorities,
    jwtAuthorities,
    ...(sequence === undefined ? {} : { sequence }),
    ...(refreshHintSeconds === undefined ? {} : { refreshHintSeconds }),
  };
  return { ok: true, bundle };
}

/**
 * SHA-256 over the set of X.509 authorities, in lower-case hex: equal for two copies that trust the same
 * certificates, whatever their order, sequence number or JWT keys.
 */
export function bundleDigest(bundle: Pick<Bundle, "x509Authorities">): string {
  const each = bundle.x509Authorities.map((der) => createHash("sha256").update(der).digest("hex"));
  const all = createHash("sha256");
  for (const digest of [...new Set(each)].toSorted()) all.update(digest);
  return all.digest("hex");
}

type ReadKey =
  | { readonly kind: "x509"; readonly der: Uint8Array }
  | { readonly kind: "jwt"; readonly authority: JwtAuthority }
  | { readonly kind: "unknown" }
  | { readonly kind: "invalid"; readonly problem: string };

const invalid = (problem: string): ReadKey => ({ kind: "invalid", problem });

function readKey(key: unknown, trustDomain: string): ReadKey {
  if (!isRecord(key)) return invalid("it is not a JSON object");
  if (key.kty !== "EC" && key.kty !== "RSA") return { kind: "unknown" };
  if (key.use === "x509-svid") return readX509Key(key, trustDomain);
  if (key.use === "jwt-svid") return readJwtKey(key);
  return { kind: "unknown" };
}

/**
 * X509-SVID.md 3.2 (what a signing certificate is) and 6.1 (how a bundle holds it). Where 6.2 lets a consumer pass over
 * a broken entry, this refuses: SPIRE does too, and a root of trust that is half right is better corrected than used.
 */
function readX509Key(key: Record<string, unknown>, trustDomain: string): ReadKey {
  if (key.kid !== undefined) return invalid("an x509-svid key must not have `kid`");
  const x5c: readonly unknown[] = Array.isArray(key.x5c) ? key.x5c : [];
  const [encoded] = x5c;
  if (x5c.length !== 1 || typeof encoded !== "string") return invalid("`x5c` must hold exactly one certificate");
  const der = Buffer.from(encoded, "base64");
  const refused = refusalOfCa(der);
  if (refused !== undefined) return invalid(`its certificate ${refused}`);
  const certificate = new X509Certificate(der);
  const publicKey = readJwk(key);
  if (publicKey === undefined || !publicKey.equals(certificate.publicKey))
    return invalid("`x5c` holds another public key");
  const ids = uriNames(certificate).filter((uri) => uri !== `spiffe://${trustDomain}`);
  if (ids.length > 0) return invalid(`its certificate is of ${ids.join(", ")}, not of spiffe://${trustDomain}`);
  return { kind: "x509", der };
}

/** JWT-SVID.md 5.1. */
function readJwtKey(key: Record<string, unknown>): ReadKey {
  if (typeof key.kid !== "string" || key.kid === "") return invalid("a jwt-svid key must have `kid`");
  const publicKey = readJwk(key);
  if (publicKey === undefined) return invalid("it is not a valid public key");
  const der = publicKey.export({ format: "der", type: "spki" });
  const refused = refusalOfJwtKey(der);
  return refused === undefined
    ? { kind: "jwt", authority: { keyId: key.kid, publicKey: der } }
    : invalid(`it ${refused}`);
}

function readJwk(key: Record<string, unknown>): ReturnType<typeof createPublicKey> | undefined {
  const { kty, crv, x, y, n, e } = key;
  try {
    return createPublicKey({ key: onlyStrings({ kty, crv, x, y, n, e }), format: "jwk" });
  } catch {
    return undefined; // Whatever is wrong with it, it is not a public key; the caller says which one.
  }
}

/** URI names of a certificate: its SPIFFE ID, if a signing certificate has one (X509-SVID.md 3.2). */
function uriNames(certificate: X509Certificate): string[] {
  const names = certificate.subjectAltName?.split(", ") ?? [];
  return names.filter((name) => name.startsWith("URI:")).map((name) => name.slice("URI:".length));
}

function wholeNumber(document: Record<string, unknown>, name: string, problems: string[]): number | undefined {
  const value = document[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  problems.push(`\`${name}\` is not a whole number`);
  return undefined;
}

function onlyStrings(fields: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === "string"),
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON at all; the caller says so.
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
