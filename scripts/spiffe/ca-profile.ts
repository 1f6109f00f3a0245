// Which CA certificates are taken from a partner: those of which every parser on their way thinks the same. SPIRE (Go), Node
// (OpenSSL) and Envoy (BoringSSL) differ at the edges of X.509, and a certificate that Envoy alone cannot read stops the
// updates of every partner's bundle. So what stands where they differ is held to RFC 5280, whose form all three read.

import { X509Certificate } from "node:crypto";

import { DerError, readValues, within, type DerValue } from "./der.ts";

const tags = {
  bitString: 0x03,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/** Beside UTF8String and BMPString: NumericString, PrintableString, TeletexString, IA5String. */
const plainTexts = new Set([0x12, 0x13, 0x14, 0x16]);

/** Why a CA certificate of a bundle is not taken, as the end of a sentence; undefined: it is. */
export function refusalOfCa(der: Uint8Array): string | undefined {
  try {
    const certificate = new X509Certificate(der);
    if (!certificate.raw.equals(der)) return "is followed by more";
    if (!certificate.ca) return "is not a CA's";
  } catch {
    return "cannot be read";
  }
  try {
    return departure(der);
  } catch (error) {
    if (error instanceof DerError) return `is not DER: ${error.message}`;
    throw error;
  }
}

/** What the subject's name is made of (RFC 5280, 4.1.2.6), as encoded; of a CA certificate that is taken. @throws DerError */
export function subjectOf(der: Uint8Array): Uint8Array {
  const [whole] = readValues(der);
  const [tbs] = within(whole, tags.sequence);
  const subject = within(tbs, tags.sequence)[5];
  if (subject === undefined) throw new DerError("the subject is missing");
  return subject.content;
}

/** Where it departs from RFC 5280, 4.1. @throws DerError */
function departure(der: Uint8Array): string | undefined {
  const [whole] = readValues(der);
  const [tbs, algorithm, signature] = within(whole, tags.sequence);
  const [version, , signed, issuer, validity, subject, key, extensions, ...others] = within(tbs, tags.sequence);
  // 4.1.2.1: with extensions, which a CA's has (X509-SVID.md 4.1), the version is 3.
  if (version?.tag !== tags.version || !isBytes(version.content, [0x02, 0x01, 0x02])) return "is not of version 3";
  // 4.1.2.8: unique identifiers are not generated.
  if (extensions?.tag !== tags.extensions || others.length > 0) return "has more than extensions after its public key";
  if (signature?.tag !== tags.bitString) return "has no signature";
  const [keyAlgorithm] = within(key, tags.sequence);
  if (![signed, algorithm, keyAlgorithm].every(isPlainAlgorithm)) return "has unusual parameters of an algorithm";
  if (!within(validity, tags.sequence).every(isTime)) return "is valid at times that are not in RFC 5280's form";
  if (![issuer, subject].every(isName)) return "has a name that is empty in part, or of characters that are none";
  return undefined;
}

function isBytes(content: Uint8Array, expected: readonly number[]): boolean {
  return content.length === expected.length && expected.every((byte, index) => content[index] === byte);
}

/** 4.1.2.5.1 and .2: in UTC, to the second. */
function isTime({ tag, content }: DerValue): boolean {
  const digits = tag === tags.utcTime ? 12 : tag === tags.generalizedTime ? 14 : undefined;
  return digits !== undefined && new RegExp(`^\\d{${digits}}Z$`).test(Buffer.from(content).toString("latin1"));
}

/** Without parameters, with NULL, a curve's name, or a structure that nobody looks into before it is used. */
function isPlainAlgorithm(value: DerValue | undefined): boolean {
  const [name, parameters, ...others] = within(value, tags.sequence);
  if (name === undefined || !isOid(name) || others.length > 0) return false;
  if (parameters === undefined || parameters.tag === tags.sequence) return true;
  return parameters.tag === tags.null ? parameters.content.length === 0 : isOid(parameters);
}

/** X.690, 8.19: every part is in its shortest form, and the last one ends. */
function isOid({ tag, content }: DerValue): boolean {
  const startsPart = (index: number): boolean => index === 0 || (content[index - 1] ?? 0) < 0x80;
  const isShortest = content.every((byte, index) => byte !== 0x80 || !startsPart(index));
  return tag === tags.oid && content.length > 0 && isShortest && (content.at(-1) ?? 0x80) < 0x80;
}

/** 4.1.2.4: no part is empty; BoringSSL takes no character that Unicode says is none (23.7). */
function isName(value: DerValue | undefined): boolean {
  return within(value, tags.sequence).every((part) => {
    const attributes = within(part, tags.set);
    return attributes.length > 0 && attributes.every(isAttribute);
  });
}

function isAttribute(value: DerValue): boolean {
  const [type, text, ...others] = within(value, tags.sequence);
  if (type === undefined || text === undefined || others.length > 0 || !isOid(type)) return false;
  if (plainTexts.has(text.tag)) return true;
  if (text.tag !== tags.utf8 && text.tag !== tags.bmp) return false;
  const decoded = decode(text);
  return decoded !== undefined && !/[\p{Noncharacter_Code_Point}\p{Cs}]/u.test(decoded);
}

function decode({ tag, content }: DerValue): string | undefined {
  try {
    if (tag === tags.utf8) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    return content.length % 2 === 0 ? Buffer.from(content).swap16().toString("utf16le") : undefined;
  } catch {
    return undefined; // Not UTF-8: the caller says so.
  }
}
