// The numbers of a mesh in containers: the first two of every address, from 10.0.0.0/8, where nobody else on this machine
// has them. Plain `docker compose` finds what was chosen in `.env` beside docker-compose.yml.

import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";

import { MeshError, systemErrorCode } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";
import { type ComposeProject, docker, labels } from "./compose-project.ts";

const variable = "MESH_SUBNET";
const alternatives = Array.from({ length: 100 }, (_, index) => `10.${100 + index}`);

/** What the user's environment or `.env` says; undefined: the default. */
export async function chosenSubnet(dir: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return env[variable] || parseEnv(await envFile(dir))[variable] || undefined;
}

/**
 * Chooses for a project that the engine knows nothing of yet: the default, or the first that is free; writes `.env` when
 * it is not the default.
 *
 * @throws MeshError MESH_ADDRESS_UNUSABLE when what the user chose is taken, or all are
 */
export async function chooseSubnet(project: ComposeProject, preferred: string): Promise<string> {
  const chosen = await chosenSubnet(project.dir, project.env);
  const taken = await takenSubnets(project);
  const isFree = (subnet: string): boolean => !taken.some((address) => address.startsWith(`${subnet}.`));
  if (chosen !== undefined) {
    if (isFree(chosen)) return chosen;
    throw unusable(`${chosen}.0.0, which ${variable} names, is used by another network of this machine`);
  }
  if (isFree(preferred)) return preferred;
  const free = alternatives.find(isFree);
  if (free === undefined) throw unusable("no numbers between 10.100 and 10.199 are free on this machine");
  await remember(project.dir, free);
  return free;
}

async function remember(dir: string, subnet: string): Promise<void> {
  const kept = (await envFile(dir)).split("\n").filter((line) => line !== "" && !line.startsWith(`${variable}=`));
  await writeWhole(join(dir, ".env"), [...kept, `${variable}=${subnet}`, ""].join("\n"), { mode: 0o644 });
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
  const networks: readonly EngineNetwork[] =
    ids.length === 0 ? [] : JSON.parse(await docker(project, ["network", "inspect", ...ids]));
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
