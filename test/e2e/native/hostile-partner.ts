// A trust domain whose bundle endpoint serves whatever a test wants: its own CA, a server with its SVID (profile
// https_spiffe), no SPIRE.

import { randomUUID, webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

import { toBundleDocument, type Bundle } from "../../../scripts/spiffe/bundle.ts";

export interface HostilePartner extends AsyncDisposable {
  readonly trustDomain: string;
  readonly bundleEndpointUrl: string;
  /** Its sound bundle: the one CA that signed its endpoint's SVID. */
  readonly bundle: Bundle;
  /** A bundle of so many authorities, each that large. */
  readonly bundleWith: (authorities: number, bytes: number) => Promise<Bundle>;
  /** A bundle of one JWT key alone. */
  readonly jwtOnly: () => Promise<Bundle>;
  /** What the endpoint answers from now on. */
  readonly publish: (bundle: Bundle) => void;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Serves `trustDomain`'s bundle endpoint on this loopback address. */
export async function startHostilePartner(trustDomain: string, host: string): Promise<HostilePartner> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const authority = await certificate(keys, { trustDomain, ca: true });
  const bundle: Bundle = {
    trustDomain,
    x509Authorities: [new Uint8Array(authority.rawData)],
    jwtAuthorities: [],
    sequence: 1,
    refreshHintSeconds: 60,
  };
  let document = toBundleDocument(bundle);
  const server = createServer(await endpointSvid(keys, trustDomain), (_, response) => response.end(document));
  server.listen({ host, port: 8443 });
  await once(server, "listening");
  return {
    trustDomain,
    bundle,
    bundleEndpointUrl: `https://${host}:8443`,
    bundleWith: async (authorities, bytes) => {
      const der = await Promise.all(
        Array.from({ length: authorities }, () => certificate(keys, { trustDomain, ca: true, bytes })),
      );
      const x509Authorities = [...bundle.x509Authorities, ...der.map(({ rawData }) => new Uint8Array(rawData))];
      return { ...bundle, x509Authorities: x509Authorities.slice(0, authorities), sequence: 2 };
    },
    jwtOnly: async () => {
      const publicKey = new Uint8Array(await webcrypto.subtle.exportKey("spki", keys.publicKey));
      return { ...bundle, x509Authorities: [], jwtAuthorities: [{ keyId: "k", publicKey }], sequence: 3 };
    },
    publish: (published) => {
      document = toBundleDocument(published);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Wanted {
  readonly trustDomain: string;
  readonly ca: boolean;
  readonly path?: string;
  /** Of an extension that nobody reads. */
  readonly bytes?: number;
  readonly publicKey?: webcrypto.CryptoKey;
}

function certificate(signer: webcrypto.CryptoKeyPair, wanted: Wanted): Promise<x509.X509Certificate> {
  const { trustDomain, ca, path = "", bytes = 0, publicKey = signer.publicKey } = wanted;
  const usage = ca ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature;
  return x509.X509CertificateGenerator.create({
    serialNumber: randomUUID().replaceAll("-", "").replace(/^./, "1"),
    subject: "O=SPIFFE",
    issuer: "O=SPIFFE",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      new x509.KeyUsagesExtension(usage, true),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}${path}` }]),
      ...(bytes === 0 ? [] : [new x509.Extension("1.3.6.1.4.1.55555.1", false, new Uint8Array(bytes))]),
    ],
  });
}

/** Key and certificate of SPIRE Server's own ID, as PEM. */
async function endpointSvid(
  signer: webcrypto.CryptoKeyPair,
  trustDomain: string,
): Promise<{ key: string; cert: string }> {
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const svid = await certificate(signer, { trustDomain, ca: false, path: "/spire/server", publicKey });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return { key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"), cert: svid.toString("pem") };
}
