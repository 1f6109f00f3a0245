import { createPublicKey, generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";

import { test } from "vitest";

import {
  judgeBundles,
  maxAuthorities,
  maxBundleBytes,
  nameBytesFor,
  refusalOf,
} from "../../../scripts/trust/quarantine.ts";
import { longNamedAuthority } from "../../odd-authorities.ts";
import { authority, bundleOf, domainPlan, partner } from "./fixtures.ts";

const sound = bundleOf("a.example");
const many = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);
const jwt = (bytes: number) => ({ keyId: "k", publicKey: new Uint8Array(bytes - 1) });

const jwk = (key: Record<string, string>) => ({
  keyId: "k",
  publicKey: createPublicKey({ key, format: "jwk" }).export({ format: "der", type: "spki" }),
});
const spki = ({ publicKey }: KeyPairKeyObjectResult) => ({
  keyId: "k",
  publicKey: publicKey.export({ format: "der", type: "spki" }),
});
const soundKeys = [
  generateKeyPairSync("ec", { namedCurve: "P-384" }),
  generateKeyPairSync("rsa", { modulusLength: 2048 }),
  generateKeyPairSync("ed25519"),
].map(spki);
/** P-256 with the point's x alone (SEC 1, 2.3.3). */
const compressed = ((): Buffer => {
  const { x = "", y = "" } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const sign = ((Buffer.from(y, "base64url").at(-1) ?? 0) & 1) + 2;
  const head = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");
  return Buffer.concat([head, Buffer.of(sign), Buffer.from(x, "base64url")]);
})();
const modulus = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }).n ?? "";
const longNamed = (length: number) => longNamedAuthority(authority, length);

test.for([
  ["a sound one", sound, undefined],
  ["as many authorities as are taken", { ...sound, x509Authorities: many(maxAuthorities, authority) }, undefined],
  ["one more", { ...sound, x509Authorities: many(101, authority) }, "101 X.509 authorities, at most 100 are taken"],
  [
    "JWT keys without number",
    { ...sound, jwtAuthorities: many(101, jwt(2)) },
    "101 JWT authorities, at most 100 are taken",
  ],
  ["JWT keys alone", { ...sound, x509Authorities: [], jwtAuthorities: [jwt(2)] }, "it has no X.509 authority"],
  [
    "a few that are large",
    { ...sound, jwtAuthorities: [jwt(maxBundleBytes)] },
    `${maxBundleBytes + authority.length} bytes of authorities, at most ${maxBundleBytes} are taken`,
  ],
  [
    "key IDs are counted in bytes",
    {
      ...sound,
      jwtAuthorities: [{ keyId: "\u{FFFF}".repeat(90_000), publicKey: soundKeys[0]?.publicKey ?? authority }],
    },
    /^270\d{3} bytes of authorities, at most 262144 are taken$/,
  ],
  ["JWT keys that every parser reads", { ...sound, jwtAuthorities: soundKeys }, undefined],
  [
    "a JWT key with no modulus, of which an agent makes nothing",
    { ...sound, jwtAuthorities: [jwk({ kty: "RSA", n: "AA", e: "AQAB" })] },
    "JWT authority 1 has a modulus of 0 bits, fewer than 1024",
  ],
  [
    "a JWT key with an exponent of 0",
    { ...sound, jwtAuthorities: [...soundKeys, jwk({ kty: "RSA", n: modulus, e: "AA" })] },
    "JWT authority 4 has an exponent that is even, too small or too large",
  ],
  [
    "a JWT key followed by more",
    {
      ...sound,
      jwtAuthorities: [{ keyId: "k", publicKey: Buffer.concat([soundKeys[0]?.publicKey ?? authority, authority]) }],
    },
    "JWT authority 1 is not in its only form",
  ],
  [
    "a JWT key whose point is compressed, which Go does not read",
    { ...sound, jwtAuthorities: [{ keyId: "k", publicKey: compressed }] },
    "JWT authority 1 is not in its only form",
  ],
  ["a long name", { ...sound, x509Authorities: [authority, longNamed(3900)] }, undefined],
  [
    "a name that would fill the list of every handshake",
    { ...sound, x509Authorities: [authority, longNamed(66_000)] },
    /^the names of its X.509 authorities take 66\d{3} bytes, more than 4096$/,
  ],
  [
    "a long name of an issuer alone",
    { ...sound, x509Authorities: [longNamedAuthority(authority, 66_000, "issuer")] },
    undefined,
  ],
  [
    "a long name of a subject alone",
    { ...sound, x509Authorities: [longNamedAuthority(authority, 66_000, "subject")] },
    /^the names of its X.509 authorities take/,
  ],
  ...["AQ", "BA", "AIAAAAE"].map(
    (e) =>
      [
        `a JWT key with the exponent ${e}`,
        { ...sound, jwtAuthorities: [jwk({ kty: "RSA", n: modulus, e })] },
        "JWT authority 1 has an exponent that is even, too small or too large",
      ] as const,
  ),
  [
    "a JWT key on a curve that SPIRE does not know",
    { ...sound, jwtAuthorities: [spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" }))] },
    "JWT authority 1 is on another curve than P-256, P-384 or P-521",
  ],
  [
    "a JWT key that signs nothing",
    { ...sound, jwtAuthorities: [spki(generateKeyPairSync("x25519"))] },
    "JWT authority 1 is of no kind that is known",
  ],
  ["one name many times", { ...sound, x509Authorities: many(20, longNamed(3900)) }, undefined],
  [
    "what is no certificate",
    { ...sound, x509Authorities: [authority, new Uint8Array([1])] },
    "X.509 authority 2 cannot be read",
  ],
] as const)("%s", ([, bundle, refused], { expect }) => {
  if (refused instanceof RegExp) expect(refusalOf(bundle)).toMatch(refused);
  else expect(refusalOf(bundle)).toBe(refused);
});

test("with many partners each has a smaller part of the names", async ({ expect }) => {
  const held = { ...bundleOf("a.example"), taintedX509Authorities: [], x509Authorities: [longNamed(2000)] };
  const api = { heldTrustDomains: async () => ["a.example"], federatedBundle: async () => held };
  const judged = async (partners: number): Promise<number> => {
    const names = ["a", ...Array.from({ length: partners - 1 }, (_, index) => `b${index}`)];
    const refused = new Map<string, string>();
    await judgeBundles(
      domainPlan(
        [],
        names.map((name) => partner(`${name}.example`)),
      ),
      api,
      { refused },
    );
    return refused.size;
  };
  expect([await judged(1), await judged(60)]).toEqual([0, 1]);
});

test("the names of all partners together fit into a handshake, however many there are", ({ expect }) => {
  for (const partners of [1, 14, 15, 100, 1000]) expect((partners + 1) * nameBytesFor(partners)).toBeLessThan(65_535);
});
