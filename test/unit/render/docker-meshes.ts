// The meshes of the goldens as the docker runtime sees them: plan, committed files, and the Compose file as Compose reads
// it, merge keys resolved.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { parse } from "yaml";

import type { Mesh } from "../../../scripts/model/mesh.ts";
import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { dockerHost } from "../../../scripts/plan/docker.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import type { Serving } from "../../../scripts/plan/slots.ts";
import { type CommittedFile, dockerFiles, swappedFiles } from "../../../scripts/render/docker.ts";

export interface Compose {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, Network>>;
  readonly volumes: Readonly<Record<string, object>>;
}

export interface Service {
  readonly image: string;
  readonly user: string;
  readonly group_add?: readonly string[];
  readonly init?: boolean;
  readonly pid?: string;
  readonly pids_limit: number;
  readonly mem_limit: string;
  readonly logging: object;
  readonly restart: string;
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Network {
  readonly internal?: boolean;
  readonly driver_opts?: object;
  readonly ipam: { readonly config: readonly { readonly subnet: string }[] };
}

export const goldenDir = join(import.meta.dirname, "../../golden");
/** Meshes of both runtimes, and those that only containers can run. */
const folders = ["meshes", "meshes-in-containers"];
const files = folders.flatMap((folder) =>
  readdirSync(join(goldenDir, folder)).map((file) => join(goldenDir, folder, file)),
);
export const meshNames = files.map((file) => basename(file, ".yaml"));
export const oneShotRoles: ReadonlySet<string> = new Set(["keys", "bootstrap", "contract"]);

export function meshOf(name: string): Mesh {
  const file = files.find((one) => basename(one, ".yaml") === name);
  if (file === undefined) throw new Error(`there is no mesh ${name}`);
  return parseMesh(readFileSync(file, "utf8"), { file });
}

export function dockerPlan(name: string): Plan {
  const mesh = meshOf(name);
  return plan(mesh, dockerHost(mesh));
}

const filesByMesh = new Map(meshNames.map((name) => [name, dockerFiles(meshOf(name))]));

/** The files of a mesh of the goldens. They are rendered once. */
export function filesOf(name: string): readonly CommittedFile[] {
  return filesByMesh.get(name) ?? [];
}

export function composeOf(name: string): { readonly text: string; readonly compose: Compose } {
  const text = filesOf(name).find(({ path }) => path === "docker-compose.yml")?.content ?? "";
  const compose: Compose = parse(text, { merge: true });
  return { text, compose };
}

/** Named volumes of a service. */
export function mountsOf(service: Service | undefined): { readonly volume: string; readonly readOnly: boolean }[] {
  return (service?.volumes ?? [])
    .filter((mount) => !/^[./~]/.test(mount))
    .map((mount) => ({ volume: mount.split(":")[0] ?? "", readOnly: mount.endsWith(":ro") }));
}

/** The shipped mesh while a swap is under way: the new app on a Unix socket, or on TCP alone; and after it. */
export function swapped(serving: Serving) {
  const mesh = meshOf("quotes");
  const { compose: text, plans } = swappedFiles(mesh, serving);
  const compose: Compose = parse(text, { merge: true });
  return {
    name: "quotes, swapped",
    text,
    compose,
    plans,
    plan: plan(mesh, dockerHost(mesh), serving),
    usual: dockerPlan("quotes"),
  };
}

const declared = { kind: "node", entry: "apps/quotes/server.ts", health: "/health" } as const;
const shelf = { kind: "image", image: "nginx:1.29", listen: { host: "127.0.0.1", port: 8000 }, health: "/" } as const;
export const swaps: readonly Serving[] = [
  { quotes: { 1: { app: declared, weight: 1 }, 2: { app: { ...declared, entry: "apps/other.ts" }, weight: 0 } } },
  { quotes: { 1: { app: declared, weight: 1 }, 2: { app: shelf, weight: 0 } } },
  { quotes: { 2: { app: { kind: "image", image: "quotes:2", health: "/health" }, weight: 1 } } },
];

export const meshes = [
  ...meshNames.map((name) => ({ name, ...composeOf(name), plan: dockerPlan(name), usual: dockerPlan(name) })),
  ...swaps.map(swapped),
];

/** Every service of every mesh with the process it stands for. */
export const services = meshes.flatMap((mesh) =>
  mesh.plan.processes.map((process) => ({ ...mesh, process, service: mesh.compose.services[process.name] })),
);

export function servicesOf(...roles: readonly string[]) {
  return services.filter(({ process }) => roles.includes(process.role));
}
