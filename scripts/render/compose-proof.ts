// How a service proves its work to Compose: the health check of whoever's image has a program that can. Pure.

import type { Plan, Process } from "../plan/plan.ts";
import { merged, type ComposeMap } from "./compose-yaml.ts";

const provenFile = "/tmp/proven";

/** For the mark that a proof leaves. */
export const proofStorage = "/tmp:mode=1777,size=1m,nosuid,nodev,noexec";

/** The service's health check; undefined where the image has no program that proves anything. */
export function healthcheck(plan: Plan, process: Process): ComposeMap | undefined {
  const proof = process.role === "network" ? onlyOnLoopback(plan, process) : programOf(plan, process)?.join(" ");
  if (proof === undefined) return undefined;
  // See the fragment `proof` for why it sleeps.
  const look = `[ ! -e ${provenFile} ] || sleep 10; ${proof} && : > ${provenFile}`;
  return { "<<": merged("proof"), test: ["CMD-SHELL", look] };
}

function programOf(plan: Plan, { role, command, files, trustDomain, workload, ready }: Process) {
  const [program = ""] = command;
  if (role === "controller") return [program, "/mesh/scripts/control/health.ts", ...files, trustDomain];
  if (role !== "app" || program !== "node" || ready === undefined || ready.kind === "sidecar") return undefined;
  const probes = plan.edges.flatMap(({ caller, callee, probePath }) =>
    caller.workload === workload && probePath !== undefined ? [`${callee.workload}=${probePath}`] : [],
  );
  return [program, "/mesh/apps/health.ts", ready.path, ...probes];
}

/** Of IPv4, of IPv6, and of IPv4 in a socket of IPv6. */
const loopback = ["??????7F:*", `${"0".repeat(24)}01000000:*`, `${"0".repeat(16)}FFFF0000??????7F:*`];

/** Words of 32 bits in this machine's order, which is little-endian on both architectures; the port in the network's. */
function kernelAddress(address: string): string {
  const [host = "", port = ""] = address.split(":");
  const bytes = host.split(".").map((byte) => hex(byte, 2));
  return `${bytes.toReversed().join("")}:${hex(port, 4)}`;
}

function hex(number: string, digits: number): string {
  return Number(number).toString(16).toUpperCase().padStart(digits, "0");
}

/** One every fifth of a second: it gives up before those give up who wait for the app's answers. */
const looks = 90;

/**
 * Whoever shares the sidecar's network namespace could be spoken to past the sidecar, by everybody in the network, if it
 * listened anywhere but on loopback. The kernel lists listeners (state 0A) with address and user: proc_net_tcp(5).
 */
function onlyOnLoopback({ processes }: Plan, { workload }: Process): string {
  const app = processes.find((process) => process.role === "app" && process.workload === workload);
  const address = app?.env["LISTEN"];
  if (app === undefined || address === undefined) throw new Error(`${workload} has no app that listens`);
  const own = (pattern: string): string => `0A.${app.user.uid}.${pattern}`;
  const elsewhere = `${app.name} listens on more than loopback, where others pass its sidecar by: have it listen on ${address}`;
  return [
    `i=0; found=; until [ $found ] || [ $i = ${looks} ]; do [ $i = 0 ] || sleep 0.2; i=$((i + 1));`,
    "for table in /proc/net/tcp /proc/net/tcp6; do [ ! -e $table ] ||",
    "while read -r _ address _ state _ _ _ uid _; do case $state.$uid.$address in",
    `${own(`*${kernelAddress(address)}`)}) found=yes ;;`,
    `${loopback.map(own).join(" | ")}) ;;`,
    `${own("*")}) echo "${elsewhere}"; exit 1 ;;`,
    "esac; done < $table; done; done;",
    `[ $found ] || echo "${app.name} does not listen on ${address}"; [ $found ]`,
  ]
    .join(" ")
    .replaceAll("$", "$$$$");
}
