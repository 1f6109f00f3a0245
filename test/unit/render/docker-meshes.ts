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
import { type CommittedFile, dockerFiles } from "../../../scripts/render/docker.ts";

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
export const oneShotRoles: ReadonlySet<string> = new Set(["keys", "bootstrap"]);

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

export const meshes = meshNames.map((name) => ({ name, ...composeOf(name), plan: dockerPlan(name) }));

/** Every service of every mesh with the process it stands for. */
export const services = meshes.flatMap((mesh) =>
  mesh.plan.processes.map((process) => ({ ...mesh, process, service: mesh.compose.services[process.name] })),
);

export function servicesOf(...roles: readonly string[]) {
  return services.filter(({ process }) => roles.includes(process.role));
}
