// Keys by which a SPIRE Agent proves to its server which node it is (SPIRE plugin NodeAttestor "x509pop"). They are
// born on this machine. Each trust domain has a CA that signs one certificate and whose own key is then forgotten: it
// cannot be exported and is never written anywhere.

import { X509Certificate, createPrivateKey } from "node:crypto";

import { systemErrorCode } from "../errors.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { readPlainFile, writeWhole } from "../whole-file.ts";

const day = 24 * 60 * 60 * 1000;
/** Only a new attestation needs the certificate: an agent renews its SVID by its SVID. */
const lifetimeMs = 365 * day;
const renewBeforeMs = 30 * day;

/**
 * Sees to it that every agent has a key and certificate and its server the CA to judge it by; keeps what is valid. The
 * certificate's common name stays, and with it the agent's SPIFFE ID (`agent_path_template`).
 *
 * @returns names of the processes that read what is new, servers before agents: those that run must be restarted
 */
export async function prepareAgentKeys(plan: Plan, now: Date = new Date()): Promise<string[]> {
  const missing = await Promise.all(
    plan.domains.map(async (domain) => ((await areValid(domain, now)) ? [] : [domain])),
  );
  const domains = missing.flat();
  for (const domain of domains) await mint(plan, domain, now);
  return [...domains.map(({ server }) => server.process), ...domains.map(({ agent }) => agent.process)];
}

/** Loads the library that mints, ahead of its use: that takes longer than minting. */
export async function loadX509() {
  // The library registers its algorithms by metadata, and expects this to be there.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

async function areValid({ agent, server }: DomainPlan, now: Date): Promise<boolean> {
  const [certificate, key, bundle] = await Promise.all(
    [agent.certificate, agent.privateKey, server.agentCaBundle].map(
      async (path) => (await readPlainFile(path))?.content,
    ),
  );
  if (certificate === undefined || key === undefined || bundle === undefined) return false;
  try {
    const leaf = new X509Certificate(certificate);
    const ca = new X509Certificate(bundle);
    return (
      leaf.subject === `CN=${agent.commonName}` &&
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      leaf.checkIssued(ca) &&
      leaf.verify(ca.publicKey) &&
      leaf.validToDate.getTime() - renewBeforeMs > now.getTime()
    );
  } catch (error) {
    // OpenSSL's word for "this is no certificate": then it is to be replaced.
    if (systemErrorCode(error)?.startsWith("ERR_OSSL") === true) return false;
    throw error;
  }
}

async function mint(plan: Plan, { trustDomain, agent, server }: DomainPlan, now: Date): Promise<void> {
  const { bundle, certificate, key } = await mintAgent({ trustDomain, commonName: agent.commonName, now });
  const user = plan.processes.find(({ name }) => name === agent.process)?.user;
  if (user === undefined) throw new Error(`the plan has no process ${agent.process}`);
  const self = process.getuid?.();
  const owned = self === 0 ? { owner: { uid: user.uid, gid: user.gid } } : {};
  // Neither root nor the agent: then its folder hands its group on (docker).
  const mode = self === 0 || self === user.uid ? 0o600 : 0o640;
  await writeWhole(server.agentCaBundle, bundle, { mode: 0o644 });
  await writeWhole(agent.privateKey, key, { mode, ...owned });
  await writeWhole(agent.certificate, certificate, { mode, ...owned });
}

interface Minted {
  /** PEM, all three. */
  readonly bundle: string;
  readonly certificate: string;
  readonly key: string;
}

async function mintAgent(options: { trustDomain: string; commonName: string; now: Date }): Promise<Minted> {
  const x509 = await loadX509();
  const { trustDomain, commonName, now } = options;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const validity = { notBefore: new Date(now.getTime() - 60_000), notAfter: new Date(now.getTime() + lifetimeMs) };
  const caKeys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const agentKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`x509pop CA of ${trustDomain}`] }],
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: ca.subjectName,
    publicKey: agentKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", agentKeys.privateKey);
  return {
    bundle: `${ca.toString("pem")}\n`,
    certificate: `${leaf.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}
