// Certificate authorities whose keys live in the memory of the test, and certificates of every kind that an attacker with
// such a key could show: each field can be wrong in its own way.

import { randomUUID, webcrypto } from "node:crypto";

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);

const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
export type KeyAlgorithm =
  | { readonly name: "ECDSA"; readonly namedCurve: "P-256" | "P-521"; readonly hash: "SHA-1" | "SHA-256" | "SHA-512" }
  | { readonly name: "Ed25519" }
  | {
      readonly name: "RSASSA-PKCS1-v1_5";
      readonly hash: "SHA-256";
      readonly modulusLength: number;
      readonly publicExponent: Uint8Array;
    };

/** What is shown in a TLS handshake, as PEM. */
export interface Shown {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly der: Uint8Array<ArrayBuffer>;
  /** PKCS #8 PEM. */
  readonly privateKey: () => Promise<string>;
  /** A certificate with a key of its own, signed by this authority. */
  readonly issue: (wanted: Wanted) => Promise<Issued>;
  /** The CA certificate itself, shown as if it were a leaf's. */
  readonly itself: () => Promise<Shown>;
}

export interface Issued extends Shown {
  /** Signs with this certificate's key, as if it were a CA's. */
  readonly authority: Authority;
}

export interface Wanted {
  /** URI SANs, in this order. */
  readonly uris?: readonly string[];
  /** DNS SANs, after them. */
  readonly dns?: readonly string[];
  readonly commonName?: string;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** Key usage; none at all for `null`. */
  readonly usage?: x509.KeyUsageFlags | null;
  readonly usageCritical?: boolean;
  readonly extendedUsage?: readonly string[];
  /** Seconds from now. */
  readonly from?: number;
  readonly until?: number;
  readonly algorithm?: KeyAlgorithm;
  /** The algorithm that the issuer signs by: SHA-256 unless given. */
  readonly signatureHash?: "SHA-1" | "SHA-256";
  readonly extensions?: readonly x509.Extension[];
  /** Bytes of an extension that nobody reads. */
  readonly ballast?: number;
}

interface Signer {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly subject: string;
  readonly chain: readonly string[];
}

/** A root of its own, as SPIRE Server makes one for a trust domain. */
export async function newAuthority(trustDomain: string, commonName: string = trustDomain): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(p256, true, ["sign", "verify"]);
  const subject = `O=SPIFFE, CN=${commonName}`;
  const root = await certificateOf(
    { keys, subject, chain: [] },
    keys.publicKey,
    {
      uris: [`spiffe://${trustDomain}`],
      ca: true,
      usage: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
      until: 86_400,
    },
    subject,
  );
  return authorityOf({ keys, subject, chain: [] }, root);
}

function authorityOf(signer: Signer, certificate: x509.X509Certificate): Authority {
  const pem = certificate.toString("pem");
  const privateKey = async (): Promise<string> => pkcs8(signer.keys.privateKey);
  return {
    certificate: pem,
    der: new Uint8Array(certificate.rawData),
    privateKey,
    issue: (wanted) => issue(signer, wanted),
    itself: async () => ({ cert: pem, key: await privateKey() }),
  };
}

async function issue(signer: Signer, wanted: Wanted): Promise<Issued> {
  const keys = await generate(wanted.algorithm ?? p256);
  const subject = `O=SPIFFE, CN=${wanted.commonName ?? randomUUID()}`;
  const certificate = await certificateOf(signer, keys.publicKey, wanted, subject);
  const pem = certificate.toString("pem");
  const chain = [pem, ...signer.chain];
  return {
    cert: chain.join("\n"),
    key: await pkcs8(keys.privateKey),
    authority: authorityOf({ keys, subject, chain }, certificate),
  };
}

async function generate(algorithm: KeyAlgorithm): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  if ("privateKey" in keys) return keys;
  throw new Error(`${algorithm.name} makes no pair of keys`);
}

async function certificateOf(
  { keys, subject: issuer }: Signer,
  publicKey: webcrypto.CryptoKey,
  wanted: Wanted,
  subject: string,
): Promise<x509.X509Certificate> {
  const now = Date.now();
  return x509.X509CertificateGenerator.create({
    serialNumber: randomUUID().replaceAll("-", "").replace(/^./, "1"),
    subject,
    issuer,
    notBefore: new Date(now + (wanted.from ?? -60) * 1000),
    notAfter: new Date(now + (wanted.until ?? 3600) * 1000),
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: { ...p256, hash: wanted.signatureHash ?? "SHA-256" },
    extensions: extensionsOf(wanted),
  });
}

function extensionsOf(wanted: Wanted): x509.Extension[] {
  const {
    uris = [],
    dns = [],
    ca = false,
    usage,
    usageCritical = true,
    extendedUsage,
    extensions = [],
    ballast,
  } = wanted;
  const names = [
    ...uris.map((value) => ({ type: "url", value }) as const),
    ...dns.map((value) => ({ type: "dns", value }) as const),
  ];
  const flags = usage === undefined ? x509.KeyUsageFlags.digitalSignature : usage;
  const purposes = extendedUsage ?? (ca ? [] : ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  return [
    new x509.BasicConstraintsExtension(ca, wanted.pathLength, true),
    ...(flags === null ? [] : [new x509.KeyUsagesExtension(flags, usageCritical)]),
    ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ...extensions,
    ...(ballast === undefined ? [] : [new x509.Extension("1.3.6.1.4.1.55555.2", false, new Uint8Array(ballast))]),
  ];
}

async function pkcs8(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
