import { createHash, webcrypto } from "node:crypto";

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { test } from "vitest";

import { bundleDigest, parseBundleDocument, toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { oddAuthority } from "../../odd-authorities.ts";

x509.cryptoProvider.set(webcrypto);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Minted {
  readonly der: Uint8Array;
  readonly jwk: object;
}

async function mint({ ca = true, uri }: { ca?: boolean; uri?: string } = {}): Promise<Minted> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "O=SPIFFE",
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2036-01-01T00:00:00Z"),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(uri === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: "url", value: uri }])]),
    ],
  });
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey("jwk", keys.publicKey);
  return { der: new Uint8Array(certificate.rawData), jwk: { kty, crv, x, y } };
}

const authority = await mint({ uri: "spiffe://broker.example" });
const next = await mint({ uri: "spiffe://broker.example" });
const base64 = (der: Uint8Array): string => Buffer.from(der).toString("base64");
const x509Key = (minted: Minted, more: object = {}): object => ({
  ...minted.jwk,
  use: "x509-svid",
  x5c: [base64(minted.der)],
  ...more,
});
const jwtPublicKey = await webcrypto.subtle
  .importKey("jwk", { ...next.jwk }, algorithm, true, ["verify"])
  .then(async (key) => new Uint8Array(await webcrypto.subtle.exportKey("spki", key)));

const bundle = {
  trustDomain: "broker.example",
  x509Authorities: [authority.der, next.der],
  jwtAuthorities: [{ keyId: "k1", publicKey: jwtPublicKey }],
  sequence: 7,
  refreshHintSeconds: 300,
};

function problemsOf(document: unknown): readonly string[] {
  const parsed = parseBundleDocument(JSON.stringify(document), "broker.example");
  return parsed.ok ? [] : parsed.problems;
}

test("a bundle survives its document", ({ expect }) => {
  const parsed = parseBundleDocument(toBundleDocument(bundle), "broker.example");
  if (!parsed.ok) throw new Error(parsed.problems.join());
  expect(parsed.bundle.x509Authorities.map(base64)).toEqual(bundle.x509Authorities.map(base64));
  expect(parsed.bundle.jwtAuthorities.map(({ keyId, publicKey }) => [keyId, base64(publicKey)])).toEqual([
    ["k1", base64(jwtPublicKey)],
  ]);
  expect(parsed.bundle).toMatchObject({ trustDomain: "broker.example", sequence: 7, refreshHintSeconds: 300 });
});

test("an x509-svid key has one x5c and no kid, a jwt-svid key has a kid and no x5c", ({ expect }) => {
  const document: unknown = JSON.parse(toBundleDocument(bundle));
  expect(document).toEqual({
    keys: [x509Key(authority), x509Key(next), { ...next.jwk, use: "jwt-svid", kid: "k1" }],
    spiffe_sequence: 7,
    spiffe_refresh_hint: 300,
  });
});

test("a bundle without sequence and refresh hint has neither in its document", ({ expect }) => {
  const document = toBundleDocument({ trustDomain: "broker.example", x509Authorities: [], jwtAuthorities: [] });
  expect(JSON.parse(document)).toEqual({ keys: [] });
  expect(parseBundleDocument(document, "broker.example")).toEqual({
    ok: true,
    bundle: { trustDomain: "broker.example", x509Authorities: [], jwtAuthorities: [] },
  });
});

// SPIFFE_Trust_Domain_and_Bundle.md 4.1.3, 4.2.1, 4.2.2: clients must ignore such keys.
test("keys of unknown type or use are passed over", ({ expect }) => {
  const keys = [
    { kty: "OKP", use: "x509-svid" },
    { ...next.jwk, use: "wit-svid", kid: "w" },
    { ...next.jwk },
    x509Key(authority),
  ];
  const parsed = parseBundleDocument(JSON.stringify({ keys, other: true }), "broker.example");
  expect(parsed).toMatchObject({ ok: true, bundle: { jwtAuthorities: [] } });
  expect(parsed.ok && parsed.bundle.x509Authorities.map(base64)).toEqual([base64(authority.der)]);
});

const leaf = await mint({ ca: false, uri: "spiffe://broker.example" });
const stranger = await mint({ uri: "spiffe://evil.example" });
const withPath = await mint({ uri: "spiffe://broker.example/ca" });
const unnamed = await mint();

const refused: [what: string, document: unknown, problems: string[]][] = [
  ["a list", [], ["it is not a JSON object"]],
  ["a document without keys", {}, ["`keys` is missing or is not a list"]],
  ["keys that are not a list", { keys: {} }, ["`keys` is missing or is not a list"]],
  ["a sequence in words", { keys: [], spiffe_sequence: "1" }, ["`spiffe_sequence` is not a whole number"]],
  ["a negative refresh hint", { keys: [], spiffe_refresh_hint: -1 }, ["`spiffe_refresh_hint` is not a whole number"]],
  [
    "a refresh hint in fractions",
    { keys: [], spiffe_refresh_hint: 0.5 },
    ["`spiffe_refresh_hint` is not a whole number"],
  ],
  ["a key that is not an object", { keys: ["x"] }, ["key 1: it is not a JSON object"]],
  [
    "a kid on an x509-svid key",
    { keys: [x509Key(authority, { kid: "k" })] },
    ["key 1: an x509-svid key must not have `kid`"],
  ],
  ["no x5c", { keys: [x509Key(authority, { x5c: undefined })] }, ["key 1: `x5c` must hold exactly one certificate"]],
  ["an empty x5c", { keys: [x509Key(authority, { x5c: [] })] }, ["key 1: `x5c` must hold exactly one certificate"]],
  [
    "two certificates in x5c",
    { keys: [x509Key(authority, { x5c: [base64(authority.der), base64(next.der)] })] },
    ["key 1: `x5c` must hold exactly one certificate"],
  ],
  [
    "x5c that is no certificate",
    { keys: [x509Key(authority, { x5c: ["AAAA"] })] },
    ["key 1: its certificate cannot be read"],
  ],
  [
    "bytes after the certificate",
    { keys: [x509Key(authority, { x5c: [base64(Buffer.concat([authority.der, Buffer.from("x")]))] })] },
    ["key 1: its certificate is followed by more"],
  ],
  [
    "another key's certificate",
    { keys: [x509Key(authority, { x5c: [base64(next.der)] })] },
    ["key 1: `x5c` holds another public key"],
  ],
  [
    "a CA certificate that Envoy cannot read",
    { keys: [x509Key(authority, { x5c: [base64(oddAuthority(authority.der, "version 2, with extensions"))] })] },
    ["key 1: its certificate is not of version 3"],
  ],
  ["a leaf certificate", { keys: [x509Key(leaf)] }, ["key 1: its certificate is not a CA's"]],
  [
    "the CA of another trust domain",
    { keys: [x509Key(stranger)] },
    ["key 1: its certificate is of spiffe://evil.example, not of spiffe://broker.example"],
  ],
  [
    "a CA whose SPIFFE ID has a path",
    { keys: [x509Key(withPath)] },
    ["key 1: its certificate is of spiffe://broker.example/ca, not of spiffe://broker.example"],
  ],
  [
    "a jwt-svid key without kid",
    { keys: [{ ...next.jwk, use: "jwt-svid" }] },
    ["key 1: a jwt-svid key must have `kid`"],
  ],
  [
    "a jwt-svid key that is no key",
    { keys: [{ kty: "EC", crv: "P-256", x: "AA", y: "AA", use: "jwt-svid", kid: "k" }] },
    ["key 1: it is not a valid public key"],
  ],
];

test.for(refused)("refuses %s", ([, document, problems], { expect }) => {
  expect(problemsOf(document)).toEqual(problems);
});

test("refuses text that is not JSON", ({ expect }) => {
  expect(parseBundleDocument("-----BEGIN CERTIFICATE-----", "broker.example")).toEqual({
    ok: false,
    problems: ["it is not a JSON object"],
  });
});

test("tells every problem of a document", ({ expect }) => {
  const document = { keys: [x509Key(leaf), x509Key(authority), x509Key(stranger)], spiffe_sequence: -1 };
  expect(problemsOf(document)).toEqual([
    "`spiffe_sequence` is not a whole number",
    "key 1: its certificate is not a CA's",
    "key 3: its certificate is of spiffe://evil.example, not of spiffe://broker.example",
  ]);
});

// An UpstreamAuthority's root need not have a SPIFFE ID (X509-SVID.md 3.2: SHOULD).
test("accepts a CA without a SPIFFE ID", ({ expect }) => {
  expect(problemsOf({ keys: [x509Key(unnamed)] })).toEqual([]);
});

test("the digest is of the set of X.509 authorities", ({ expect }) => {
  const digest = bundleDigest(bundle);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(bundleDigest({ x509Authorities: [next.der, authority.der, next.der] })).toBe(digest);
  expect(bundleDigest({ x509Authorities: [authority.der] })).not.toBe(digest);
  expect(bundleDigest({ x509Authorities: [] })).toBe(createHash("sha256").digest("hex"));
});

test("a JWT key that no agent can parse makes the document invalid", ({ expect }) => {
  const keys = [{ kty: "RSA", use: "jwt-svid", kid: "a", n: "AA", e: "AQAB" }];
  expect(parseBundleDocument(JSON.stringify({ keys }), "broker.example")).toEqual({
    ok: false,
    problems: ["key 1: it has a modulus of 0 bits, fewer than 1024"],
  });
});
