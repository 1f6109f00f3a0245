// A mesh of test/golden/meshes rendered into a folder, and what the real programs say of each file.

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";
import type { Host, Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";
import { render } from "../../../scripts/render/render.ts";
import { prepareAgentKeys } from "../../../scripts/runtime/keys.ts";
import { checkoutDir } from "../checkout.ts";

export interface Verdict {
  readonly accepted: boolean;
  /** What the program printed. */
  readonly said: string;
}

/** Writes every file of a golden mesh below `dir`, and the keys that SPIRE's files name. */
export async function renderGolden(name: string, dir: string): Promise<Plan> {
  const file = join(checkoutDir, "test/golden/meshes", `${name}.yaml`);
  const mesh = parseMesh(readFileSync(file, "utf8"), { file });
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const places = { dataDir: join(dir, "data"), runDir: join(dir, "run"), logDir: join(dir, "logs") };
  const host: Host = { ...exampleHost(mesh), ...places, users: { self } };
  const planned = plan(mesh, host);
  for (const folder of planned.folders) mkdirSync(folder.path, { recursive: true });
  await prepareAgentKeys(planned);
  for (const { path, content } of render(planned)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return planned;
}

const judges = {
  MESH_SPIRE_SERVER: ["validate", "-config"],
  MESH_SPIRE_AGENT: ["validate", "-config"],
  MESH_ENVOY: ["--mode", "validate", "--log-level", "warning", "--config-path"],
} as const;

/** Has the program that the environment names judge a configuration file. */
export async function judge(variable: keyof typeof judges, file: string): Promise<Verdict> {
  const program = process.env[variable];
  if (program === undefined) throw new Error(`${variable} must name a program: run ./mesh test e2e`);
  const saidFile = `${file}.said`;
  // Envoy opens /dev/stdout, which works for files and pipes but not for the sockets that Node makes.
  const output = openSync(saidFile, "w");
  const child = spawn(program, [...judges[variable], file], { stdio: ["ignore", output, output], timeout: 30_000 });
  closeSync(output);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("exit", resolve);
  const status = await promise;
  return { accepted: status === 0, said: readFileSync(saidFile, "utf8") };
}

/**
 * The five files of a sidecar as one static bootstrap. Envoy does not look at dynamic files when it validates; so their
 * text, as it stands, is put where the same resources may stand in a bootstrap.
 */
export function asStaticBootstrap(sidecar: SidecarPlan): string {
  const read = (name: string): string => readFileSync(join(sidecar.dynamicDir, name), "utf8");
  const texts = [read("listeners.yaml"), read("clusters.yaml")].join("");
  const definitions = /^!ignore definitions:\n(?:[- ].*\n)+/m.exec(texts)?.[0] ?? "";
  const bootstrap = readFileSync(sidecar.bootstrapFile, "utf8");
  const node = /^node:.*\n(?: .*\n)*/m.exec(bootstrap)?.[0] ?? "";
  const ownClusters = /^ {2}clusters:\n((?: {2}[- ].*\n)+)/m.exec(bootstrap)?.[1] ?? "";
  const policy = resourcesOf(read("policy.yaml"));
  const listeners = resourcesOf(read("listeners.yaml")).replaceAll(
    /^( *)config_discovery:\n(?:\1 +.*\n)+/gm,
    (_, indent: string) => `${indent}typed_config:\n${indented(typedConfigOf(policy), indent.length + 2)}`,
  );
  const judgedEndpoints = resourcesOf(read("endpoints.yaml"))
    .replaceAll(
      /^- cluster_name: (\S+)\n/gm,
      "- name: endpoints_of_$1\n  connect_timeout: 1s\n  load_assignment:\n    cluster_name: $1\n",
    )
    .replaceAll(/^( {2}endpoints:\n(?: {2}[- ].*\n)+)/gm, (endpoints) => indented(endpoints, 2));
  return [
    node,
    definitions,
    "static_resources:\n",
    listeners === "" ? "" : `  listeners:\n${indented(listeners, 2)}`,
    `  clusters:\n${indented(resourcesOf(read("clusters.yaml")), 2)}${ownClusters}${indented(judgedEndpoints, 2)}`,
  ].join("");
}

/** The list under `resources:`, without the type that only a dynamic resource names. */
function resourcesOf(text: string): string {
  const list = /^resources:\n([^]*)/m.exec(text)?.[1] ?? "";
  return list.replaceAll(/^- "@type": \S+\n {2}/gm, "- ");
}

function typedConfigOf(policy: string): string {
  const body = /^ {2}typed_config:\n((?: {4}.*\n)+)/m.exec(policy)?.[1];
  if (body === undefined) throw new Error(`the policy has no typed_config:\n${policy}`);
  return body.replaceAll(/^ {4}/gm, "");
}

function indented(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(by));
}
