// A process of a docker plan as a Compose service: what it is, may and sees. What all of a kind have in common is merged
// in from the fragments.

import { createHash } from "node:crypto";

import type { Network, Plan, Process, RenderedFile } from "../plan/plan.ts";
import { networkTraits } from "./compose-networks.ts";
import { healthcheck, proofStorage } from "./compose-proof.ts";
import { storage } from "./compose-storage.ts";
import { merged, type ComposeMap } from "./compose-yaml.ts";

/** Dockerfile, WORKDIR. */
const imageWorkingDir = "/mesh";

export interface ComposeInput {
  readonly plan: Plan;
  /** What the services read, for Compose to notice a change. */
  readonly files: readonly RenderedFile[];
  readonly configDir: string;
}

export function service({ plan, files, configDir }: ComposeInput, process: Process): ComposeMap {
  const { user, role, workingDir, image } = process;
  const { tmpfs, ...mounts } = storage(plan, process, configDir);
  const proof = healthcheck(plan, process);
  return {
    "<<": merged(...(image === undefined ? [fragmentOf(role), ...buildOf(plan, process)] : []), "contained"),
    ...(image === undefined ? {} : { image }),
    // `up` does not start it; `run` does.
    ...(role === "contract" ? { profiles: ["contract"] } : {}),
    user: `${user.uid}:${user.gid}`,
    ...(user.groups.length === 0 ? {} : { group_add: user.groups.map(String) }),
    ...labels({ plan, files }, process, { provesOthers: provesOthers(plan, process) }),
    ...(image === undefined ? { command: commandOf(process) } : {}),
    ...(role === "app" && image === undefined && workingDir !== imageWorkingDir ? { working_dir: workingDir } : {}),
    ...environment(process),
    ...networking(plan, process),
    ...mounts,
    ...temporary(tmpfs, { hasProof: proof !== undefined, image }),
    ...(proof === undefined ? {} : { healthcheck: proof }),
    ...dependsOn(process),
  };
}

function fragmentOf(role: Process["role"]): string {
  return role === "keys" || role === "bootstrap" || role === "contract" ? "one-shot" : role;
}

/** The first service of an image says how that is built. */
function buildOf({ processes }: Plan, process: Process): string[] {
  const ours = (["app", "controller"] as const).find((role) => role === process.role);
  if (ours === undefined || processes.find(({ role, image }) => role === ours && image === undefined) !== process)
    return [];
  return [`${ours}-build`];
}

/** SPIRE's images have the program and `run` as their entrypoint. A line where Compose splits it as a shell would. */
function commandOf({ role, command }: Process): string | readonly string[] {
  const words = role === "spire-server" || role === "spire-agent" ? command.slice(2) : command;
  if (words.every((word) => /^[\w./:=@-]+$/.test(word))) return words.join(" ");
  return words.map((word) => word.replaceAll("$", "$$$$"));
}

/** Its health check ends well only when others do their work (compose-proof.ts). */
function provesOthers({ edges }: Plan, { role, workload }: Process): boolean {
  const probes = edges.some(({ caller, probePath }) => caller.workload === workload && probePath !== undefined);
  return role === "controller" || (role === "app" && probes);
}

/** Changed files, or networks, are a changed service to Compose: `up` makes anew whoever reads or joins them. */
function labels(
  { plan, files }: Pick<ComposeInput, "plan" | "files">,
  process: Process,
  options: { readonly provesOthers: boolean },
): ComposeMap {
  const read = files.filter(({ path }) => process.files.includes(path)).map(({ content }) => content);
  const traits = networkTraits(plan, process.name);
  const digest = createHash("sha256")
    .update(JSON.stringify([read, traits]))
    .digest("hex");
  const own = read.length + traits.length === 0 ? {} : { "mesh.configuration": digest.slice(0, 12) };
  if (options.provesOthers) return { labels: { "<<": merged("proven-images"), ...own } };
  return Object.keys(own).length === 0 ? {} : { labels: own };
}

function environment({ role, env }: Process): ComposeMap {
  // Configuration of SPIRE and the plans of our programs name the subnet by this variable.
  const isTold = role !== "app" && role !== "sidecar" && role !== "contract";
  if (isTold) return { environment: { "<<": merged("subnet"), ...env } };
  return Object.keys(env).length === 0 ? {} : { environment: env };
}

function networking(plan: Plan, process: Process): ComposeMap {
  const { name, role, workload } = process;
  const holder = holderOf(plan, process);
  if (holder !== undefined)
    return {
      network_mode: `service:${holder}`,
      // With the holder's processes they end: alive, they would keep a network namespace that nothing leads to any more.
      ...(role === "contract" ? {} : { pid: `service:${holder}` }),
      ...(role === "app" && process.image === undefined ? { init: false } : {}),
    };
  if (role === "keys" || role === "bootstrap" || role === "contract") return {};
  const joined = networksOf(plan, name).map((network) => [network.name, { ipv4_address: network.members[name] }]);
  if (joined.length === 0) return { network_mode: "none" };
  const page = sidecarOf(plan, workload)?.published;
  return {
    networks: Object.fromEntries(joined),
    ...(page === undefined ? {} : { ports: [`${page.host}:${page.port}:${page.port}`] }),
  };
}

/** Whose network namespace it is in; undefined: its own, or none. */
function holderOf({ processes }: Plan, { name, role, workload, listens }: Process): string | undefined {
  const own = processes.filter((other) => other.workload === workload);
  const holder = own.find((other) => other.role === "network") ?? own.find((other) => other.role === "sidecar");
  const joins =
    (role === "sidecar" && holder?.role === "network") ||
    isOnTcp({ role, listens }) ||
    (role === "contract" && own.some(isOnTcp));
  return joins && holder?.name !== name ? holder?.name : undefined;
}

function isOnTcp({ role, listens }: Pick<Process, "role" | "listens">): boolean {
  return role === "app" && listens.length > 0;
}

function networksOf({ networks = [] }: Plan, process: string): readonly Network[] {
  return networks.filter(({ members }) => members[process] !== undefined);
}

function sidecarOf({ domains }: Plan, workload: string | undefined) {
  return domains.flatMap(({ sidecars }) => sidecars).find((sidecar) => sidecar.workload === workload);
}

/** Where a program may write: its proof leaves a mark, and what is off the shelf expects some such place. */
function temporary(
  tmpfs: unknown,
  { hasProof, image }: { readonly hasProof: boolean; readonly image: string | undefined },
): ComposeMap {
  const own = Array.isArray(tmpfs) ? tmpfs : [];
  const marks = hasProof ? [proofStorage] : [];
  const scratch =
    image === undefined ? [] : ["/tmp", "/run"].map((path) => `${path}:mode=1777,size=16m,nosuid,nodev,noexec`);
  const all = [...own, ...marks, ...scratch];
  return all.length === 0 ? {} : { tmpfs: all };
}

const conditions = {
  started: "service_started",
  ready: "service_healthy",
  completed: "service_completed_successfully",
} as const;

function dependsOn({ after }: Process): ComposeMap {
  if (after.length === 0) return {};
  const entries = after.map(({ process, until }) => [
    process,
    // Who lives in another's network namespace is lost when that is made anew.
    { condition: conditions[until], ...(until === "started" ? { restart: true } : {}) },
  ]);
  return { depends_on: Object.fromEntries(entries) };
}
