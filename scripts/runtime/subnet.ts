// The numbers of a mesh in containers: the first two of every address, from 10.0.0.0/8, where nobody else on this machine
// has them. Plain `docker compose` finds what was chosen in `.env` beside docker-compose.yml.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";

import { MeshError, systemErrorCode } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";
import { type ComposeProject, docker, labels, inspect } from "./compose-project.ts";

const variable = "MESH_SUBNET";
/** Behind the value in `.env`: nobody asked for it. */
const mark = " # free when ./mesh up chose it";
const alternatives = Array.from({ length: 99 }, (_, index) => `10.${100 + index}`);

/** What the user's environment or `.env` says; undefined: the default. */
export async function chosenSubnet(dir: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return env[variable] || parseEnv(await envFile(dir))[variable] || undefined;
}

/**
 * Chooses for a project that the engine knows nothing of yet: the preferred one, or the first that is free; writes `.env`
 * when it was not preferred.
 *
 * @param preferred undefined: none. The search begins where the project's name says, so that two that look at the same
 *   moment, before either has made a network, do not find the same
 * @throws MeshError MESH_ADDRESS_UNUSABLE when what the user chose is taken, or all are
 */
export async function chooseSubnet(project: ComposeProject, preferred: string | undefined): Promise<string> {
  const chosen = await chosenSubnet(project.dir, project.env);
  const taken = await takenSubnets(project);
  const isFree = (subnet: string): boolean => !taken.some((address) => address.startsWith(`${subnet}.`));
  if (chosen !== undefined) {
    if (isFree(chosen)) return chosen;
    if (!(await isOurChoice(project)))
      throw unusable(`${chosen}.0.0, which ${variable} names, is used by another network of this machine`);
  }
  if (preferred !== undefined && isFree(preferred)) return preferred;
  const first = createHash("sha256").update(project.name).digest().readUInt32BE() % alternatives.length;
  const free = [...alternatives.slice(first), ...alternatives.slice(0, first)].find(isFree);
  if (free === undefined) throw unusable("no numbers between 10.100 and 10.198 are free on this machine");
  await remember(project.dir, free);
  return free;
}

/** From an earlier life of the mesh. */
async function isOurChoice({ dir, env }: ComposeProject): Promise<boolean> {
  return !env[variable] && (await envFile(dir)).includes(mark);
}

async function remember(dir: string, subnet: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const lines = [...(await otherLines(dir)), `${variable}=${subnet}${mark}`, ""];
  await writeWhole(join(dir, ".env"), lines.join("\n"), { mode: 0o644 });
}

/** Takes back what `chooseSubnet` wrote, for a mesh of which nothing is to be left. */
export async function forgetSubnet(dir: string): Promise<void> {
  const lines = await otherLines(dir);
  if (lines.length === 0) await rm(join(dir, ".env"), { force: true });
  else await writeWhole(join(dir, ".env"), [...lines, ""].join("\n"), { mode: 0o644 });
}

async function otherLines(dir: string): Promise<string[]> {
  return (await envFile(dir)).split("\n").filter((line) => line !== "" && !line.startsWith(`${variable}=`));
}

async function envFile(dir: string): Promise<string> {
  try {
    return await readFile(join(dir, ".env"), "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
}

/** Addresses of other networks: the engine's, and this machine's own interfaces. */
async function takenSubnets(project: ComposeProject): Promise<string[]> {
  const ids = (await docker(project, ["network", "ls", "--quiet"])).split("\n").filter((id) => id !== "");
  const networks: readonly EngineNetwork[] = JSON.parse(await inspect(project, "network", ids));
  const others = networks.filter(({ Labels }) => Labels?.[labels.project] !== project.name);
  const own = new Set(networks.flatMap((network) => (others.includes(network) ? [] : subnetsOf(network))));
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return [
    ...others.flatMap(subnetsOf),
    ...interfaces
      .map(({ address }) => address)
      .filter((address) => ![...own].some((subnet) => sharesStart(subnet, address))),
  ];
}

interface EngineNetwork {
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly IPAM: { readonly Config?: readonly { readonly Subnet?: string }[] | null };
}

function subnetsOf({ IPAM }: EngineNetwork): string[] {
  return (IPAM.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet]));
}

/** A /24 and an address of it. */
function sharesStart(subnet: string, address: string): boolean {
  return address.startsWith(subnet.slice(0, subnet.lastIndexOf(".") + 1));
}

function unusable(message: string): MeshError {
  return new MeshError("MESH_ADDRESS_UNUSABLE", message, { fix: `choose others: ${variable}=10.77 ./mesh up` });
}
