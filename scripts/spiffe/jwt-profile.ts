// Which JWT keys are taken from a partner. No sidecar uses them, but SPIRE Server hands all of them to its agents, and an
// agent that cannot parse one takes in nothing else either: no bundle, no entry, no new SVID.

import { createPublicKey, type KeyObject } from "node:crypto";

/** Kinds that Go reads (crypto/x509, ParsePKIXPublicKey) and OpenSSL names alike. */
const curves = new Set(["prime256v1", "secp384r1", "secp521r1"]);
/** JWT-SVID.md 2.1 and RFC 7518, 3.3 ask for 2048; what is shorter, but a number, breaks nothing. */
const fewestBits = 1024;
/** Go holds the exponent in an int, and takes none that is even or below 3. */
const largestExponent = 2n ** 31n - 1n;

/** Why a public key (DER, SubjectPublicKeyInfo) is not taken, as the end of a sentence; undefined: it is. */
export function refusalOfJwtKey(der: Uint8Array): string | undefined {
  const key = readKey(der);
  if (key === undefined) return "cannot be read";
  // Whatever is in its only form, every parser reads alike.
  if (!isInOnlyForm(key, der)) return "is not in its only form";
  const { modulusLength = 0, publicExponent = 0n, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      if (modulusLength < fewestBits) return `has a modulus of ${modulusLength} bits, fewer than ${fewestBits}`;
      return publicExponent < 3n || publicExponent % 2n === 0n || publicExponent > largestExponent
        ? "has an exponent that is even, too small or too large"
        : undefined;
    case "ec":
      return curves.has(namedCurve) ? undefined : "is on another curve than P-256, P-384 or P-521";
    case "ed25519":
      return undefined;
    default:
      return "is of no kind that is known";
  }
}

function readKey(der: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  } catch {
    return undefined; // Whatever is wrong with it, it is no key; the caller says so.
  }
}

/** By way of a JWK, which has one form for each key: a curve by its name, a point by both its coordinates. */
function isInOnlyForm(key: KeyObject, der: Uint8Array): boolean {
  try {
    const again = createPublicKey({ key: key.export({ format: "jwk" }), format: "jwk" });
    return again.export({ format: "der", type: "spki" }).equals(der);
  } catch {
    return false; // A point at infinity, say, has no JWK.
  }
}
