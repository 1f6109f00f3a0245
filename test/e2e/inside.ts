// What a test may know and do that the command line does not offer, alike on both runtimes: end processes from outside,
// look for what a mesh left, read keys as an auditor would, have a SPIRE Server do something.

import { domainOf, planOf } from "./applied-plan.ts";
import type { Dialled, DialOptions } from "./dial.ts";
import { insideDocker } from "./inside-docker.ts";
import { insideNative } from "./inside-native.ts";
import { type Place, runtime } from "./place.ts";

export { domainOf, lastingProcesses, planOf } from "./applied-plan.ts";

/** Where a mesh is, noted while it is up. */
export interface Traces {
  /** Everything of the mesh that is there now, in words; empty when nothing is. */
  readonly remains: () => Promise<string[]>;
  /** Processes of the mesh alone. */
  readonly processes: () => Promise<string[]>;
  /** Files that hold a private key. */
  readonly keys: () => Promise<string[]>;
}

/** What either runtime does in its own way. */
export interface Inside {
  readonly signal: (pid: number, signal: NodeJS.Signals) => Promise<void>;
  /** Runs a command where that process runs, as its user; what it printed. */
  readonly serverCommand: (
    place: Place,
    command: { readonly process: string; readonly words: readonly [string, ...string[]] },
  ) => Promise<string>;
  /** See dial.ts; from where that process is in the network. */
  readonly dialBeside: (place: Place, process: string, options: DialOptions) => Promise<Dialled>;
  readonly tracesOf: (place: Place) => Promise<Traces>;
  /** The private keys of SPIRE Servers and agents, as base64. */
  readonly privateKeys: (place: Place) => Promise<string[]>;
  /** What any user, or whoever collects logs, can read: arguments and environment of every process, and all logs. */
  readonly whatIsShown: (place: Place) => Promise<{ readonly where: string; readonly text: string }[]>;
}

const inside = runtime === "docker" ? insideDocker : insideNative;
export const { tracesOf, privateKeys, whatIsShown } = inside;

/** Ends a process of the mesh as a crash would (SIGKILL), and returns the pid it had. */
export async function killProcess(place: Place, name: string): Promise<number> {
  const { pid } = await place.process(name);
  await inside.signal(pid, "SIGKILL");
  return pid;
}

/** Has a process hang (SIGSTOP) until it is thawed: it is there and does not answer. */
export async function freezeProcess(place: Place, name: string): Promise<void> {
  await inside.signal((await place.process(name)).pid, "SIGSTOP");
}

export async function thawProcess(place: Place, name: string): Promise<void> {
  await inside.signal((await place.process(name)).pid, "SIGCONT");
}

/** Has the SPIRE Server of a trust domain do something by its own command line; what that printed. */
async function spireServer(place: Place, trustDomain: string, words: readonly string[]): Promise<string> {
  const { server } = await domainOf(place, trustDomain);
  const binary = (await planOf(place)).processes.find(({ name }) => name === server.process)?.command[0];
  if (binary === undefined) throw new Error(`${server.process} is not planned`);
  const command = { process: server.process, words: [binary, ...words, "-socketPath", server.adminSocket] } as const;
  return inside.serverCommand(place, command);
}

export interface Minted {
  readonly certificate: string;
  readonly privateKey: string;
}

/** An SVID signed by the trust domain's real SPIRE Server for any SPIFFE ID of it. */
export async function mintSvid(place: Place, spiffeId: string): Promise<Minted> {
  const printed = await spireServer(place, new URL(spiffeId).hostname, ["x509", "mint", "-spiffeID", spiffeId]);
  const [, certificate, privateKey] = /^X509-SVID:\n([^]*?)^Private key:\n([^]*?)^Root CAs:\n/m.exec(printed) ?? [];
  if (certificate === undefined || privateKey === undefined) throw new Error("spire-server minted something else");
  return { certificate, privateKey };
}

/** Has the trust domain's server make its next X.509 CA, and publish it; returns the CA's id. */
export async function prepareX509Authority(place: Place, trustDomain: string): Promise<string> {
  return authorityIn(await spireServer(place, trustDomain, ["localauthority", "x509", "prepare", "-output", "json"]));
}

/** Has the prepared CA sign from now on. */
export async function activateX509Authority(place: Place, trustDomain: string, id: string): Promise<void> {
  const words = ["localauthority", "x509", "activate", "-authorityID", id, "-output", "json"];
  await spireServer(place, trustDomain, words);
}

function authorityIn(printed: string): string {
  const { prepared_authority: prepared }: { prepared_authority?: { authority_id?: string } } = JSON.parse(printed);
  if (prepared?.authority_id === undefined) throw new Error(`no authority was prepared: ${printed}`);
  return prepared.authority_id;
}

/** Connects to the sidecar of a workload over TLS, as its peers do, with this certificate or none. */
export async function dialWorkload(
  place: Place,
  workload: string,
  options: Omit<DialOptions, "address"> = {},
): Promise<Dialled> {
  const { domains } = await planOf(place);
  const domain = domains.find(({ sidecars }) => sidecars.some((one) => one.workload === workload));
  const address = domain?.sidecars.find((one) => one.workload === workload)?.inbound?.address;
  if (domain === undefined || address === undefined) throw new Error(`${workload} has no inbound address`);
  return inside.dialBeside(place, domain.server.process, { ...options, address });
}
