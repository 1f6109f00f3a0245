// G24 and G25: what trust rests on, where it lies and where it must not.

import { readFile } from "node:fs/promises";

import { fetchStats } from "../../../scripts/observe/envoy-admin.ts";
import { textsOf } from "../../e2e/process-texts.ts";
import type { Attempt, Claim } from "../claim.ts";
import { authorityOf } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { domainOf, told, withoutUsers } from "../instance/users.ts";
import { guarded, inContainers } from "./guarded.ts";

const serverOf = (mesh: LiveMesh) => [domainOf(mesh).server.process] as const;
const agentOf = (mesh: LiveMesh) => [domainOf(mesh).agent.process] as const;

const files = [
  guarded({
    tried: "SPIRE Server's data_dir",
    path: (mesh) => domainOf(mesh).server.dataDir,
    does: "open",
    admits: serverOf,
  }),
  guarded({
    tried: "SPIRE Server's keys.json",
    path: (mesh) => `${domainOf(mesh).server.dataDir}/keys.json`,
    does: "open",
    admits: serverOf,
  }),
  guarded({
    tried: "SPIRE Server's datastore",
    path: (mesh) => `${domainOf(mesh).server.dataDir}/datastore.sqlite3`,
    does: "open",
    admits: serverOf,
  }),
  guarded({
    tried: "SPIRE Agent's data_dir",
    path: (mesh) => domainOf(mesh).agent.dataDir,
    does: "open",
    admits: agentOf,
  }),
  guarded({
    tried: "the key by which SPIRE Agent attests",
    path: (mesh) => domainOf(mesh).agent.privateKey,
    does: "open",
    admits: agentOf,
  }),
];

/** @param keys what must be found by the same search */
function searching<Mesh extends LiveMesh>(
  logged: string,
  keys: { readonly tried: string; readonly of: (mesh: Mesh) => Promise<readonly string[]> },
): Attempt<Mesh> {
  return {
    tried: `every line that was logged ${logged}, every command line, every environment, every sidecar's statistics`,
    notHere: inContainers,
    run: async (mesh) => {
      const texts = await everythingSaid(mesh);
      const found = texts.flatMap(({ where, text }) => (holdsSecret(text) ? [where] : []));
      const lines = texts.reduce((sum, { text }) => sum + text.split("\n").length, 0);
      return told(found.length === 0 ? `nothing in ${lines} lines` : `a secret in ${found.join(", ")}`);
    },
    expected: {
      kind: "denied",
      by: "every process",
      saw: /^nothing in [1-9]\d* lines$/,
      control: {
        tried: keys.tried,
        run: async (mesh) => told((await keys.of(mesh)).map(holdsSecret).join(", ")),
        saw: /^true(, true)+$/,
      },
    },
  };
}

export const trustFiles: readonly Claim[] = [
  {
    id: "G24",
    title: "what a trust domain rests on is read by nobody else",
    clause: "SPIRE Server and Agent, data_dir",
    notHere: withoutUsers,
    attempts: files,
    live: files,
  },
  {
    id: "G25",
    title: "no key and no certificate stands in a log, a command line or an environment",
    clause: "SPIRE Server and Agent, logging",
    attempts: [
      searching("in this run", {
        tried: "the same search where keys do lie",
        of: async (mesh) => {
          const keys = await readFile(`${domainOf(mesh).server.dataDir}/keys.json`, "latin1");
          const shown = await authorityOf(mesh, mesh.callee.trustDomain).itself();
          return [keys, shown.key, shown.cert];
        },
      }),
    ],
    live: [
      searching("and is kept", {
        tried: "the same search in a key and a certificate of nobody's",
        of: async ({ unknown }) => {
          const { key, cert } = await unknown.itself();
          return [key, cert];
        },
      }),
    ],
  },
];

/** PEM of a key or certificate, and how a P-256 key in PKCS #8 or SEC 1 begins in base64. */
function holdsSecret(text: string): boolean {
  return /PRIVATE KEY|BEGIN CERTIFICATE|MIGHAgEAMBMGByqGSM49|MHcCAQEEI/.test(text);
}

async function everythingSaid({ runtime, plan }: LiveMesh): Promise<{ where: string; text: string }[]> {
  const logs = new Map<string, string[]>();
  for await (const { process, text } of runtime.logs([], { lines: 100_000, follow: false })) {
    const lines = logs.get(process) ?? [];
    lines.push(text);
    logs.set(process, lines);
  }
  const running = (await runtime.list()).flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
  const processes = running.flatMap(({ name, pid }) =>
    textsOf([pid]).map(({ arguments: words, environment }) => ({
      where: `/proc of ${name}`,
      text: words + environment,
    })),
  );
  const sidecars = plan.domains.flatMap((domain) => domain.sidecars);
  const statistics = await Promise.all(
    sidecars.map(async ({ process, adminSocket }) => ({
      where: `the statistics of ${process}`,
      text: [...(await fetchStats(adminSocket, "."))].join("\n"),
    })),
  );
  return [
    ...[...logs].map(([name, lines]) => ({ where: `the log of ${name}`, text: lines.join("\n") })),
    ...processes,
    ...statistics,
  ];
}
