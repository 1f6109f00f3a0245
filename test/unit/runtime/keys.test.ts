import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import type { DomainPlan, Plan, Process } from "../../../scripts/plan/plan.ts";
import { prepareAgentKeys } from "../../../scripts/runtime/keys.ts";
import { tempDir } from "./temp-dir.ts";

const uid = process.getuid?.() ?? 0;
const agentUid = uid === 0 ? 600_001 : uid;

/** The parts of a plan that keys are made from. */
async function planIn(base: string, name: string): Promise<Plan> {
  await mkdir(join(base, name), { recursive: true });
  const server = { process: `spire-server-${name}`, agentCaBundle: join(base, name, "agent-ca.pem") };
  const agent = {
    process: `spire-agent-${name}`,
    commonName: `spire-agent-${name}`,
    certificate: join(base, name, "x509pop.crt.pem"),
    privateKey: join(base, name, "x509pop.key.pem"),
  };
  const domain: Partial<DomainPlan> = { trustDomain: `${name}.example` };
  const user: Process["user"] = { uid: agentUid, gid: agentUid, groups: [] };
  return JSON.parse(
    JSON.stringify({ domains: [{ ...domain, server, agent }], processes: [{ name: agent.process, user }] }),
  );
}

const day = 24 * 60 * 60 * 1000;

test("an agent gets a key of its own and a certificate that its server's CA signed", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  const plan = await planIn(base, "broker");
  expect(await prepareAgentKeys(plan)).toEqual(["spire-server-broker", "spire-agent-broker"]);
  const read = (name: string) => readFile(join(base, "broker", name), "utf8");
  const leaf = new X509Certificate(await read("x509pop.crt.pem"));
  const ca = new X509Certificate(await read("agent-ca.pem"));
  expect(leaf.subject).toBe("CN=spire-agent-broker");
  expect(leaf.checkPrivateKey(createPrivateKey(await read("x509pop.key.pem")))).toBe(true);
  expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).toBe(true);
  expect([leaf.ca, ca.ca]).toEqual([false, true]);
  // SPIRE asks for digitalSignature (pkg/common/plugin/x509pop).
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  const key = await stat(join(base, "broker", "x509pop.key.pem"));
  expect([key.mode & 0o777, key.uid]).toEqual([0o600, agentUid]);
  // The CA's own key is nowhere.
  expect((await readdir(join(base, "broker"))).toSorted()).toEqual([
    "agent-ca.pem",
    "x509pop.crt.pem",
    "x509pop.key.pem",
  ]);
  expect(await read("agent-ca.pem")).not.toContain("PRIVATE");
});

test("valid keys are kept, and renewed a month before they end", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const plan = await planIn(base, "broker");
  await prepareAgentKeys(plan);
  const before = await readFile(join(base, "broker", "x509pop.crt.pem"), "utf8");
  expect(await prepareAgentKeys(plan)).toEqual([]);
  expect(await prepareAgentKeys(plan, new Date(Date.now() + 334 * day))).toEqual([]);
  expect(await readFile(join(base, "broker", "x509pop.crt.pem"), "utf8")).toBe(before);
  expect(await prepareAgentKeys(plan, new Date(Date.now() + 336 * day))).toHaveLength(2);
});

const losses: [what: string, lose: (file: (name: string) => string) => Promise<void>][] = [
  ["a certificate that is none", (file) => writeFile(file("x509pop.crt.pem"), "garbage")],
  ["a key that is none", (file) => writeFile(file("x509pop.key.pem"), "garbage")],
  ["a bundle that is empty", (file) => writeFile(file("agent-ca.pem"), "")],
  [
    "another domain's key",
    async (file) => writeFile(file("x509pop.key.pem"), await readFile(file("../other/x509pop.key.pem"))),
  ],
  [
    "another domain's bundle",
    async (file) => writeFile(file("agent-ca.pem"), await readFile(file("../other/agent-ca.pem"))),
  ],
];

test.for(losses)("%s is replaced", async ([, lose], { expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const plan = await planIn(base, "broker");
  await prepareAgentKeys(plan);
  await prepareAgentKeys(await planIn(base, "other"));
  await lose((name) => join(base, "broker", name));
  expect(await prepareAgentKeys(plan)).toEqual(["spire-server-broker", "spire-agent-broker"]);
  expect(await prepareAgentKeys(plan)).toEqual([]);
});
