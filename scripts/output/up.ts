// What `./mesh up` says when it is done: where to look, or what it changed on a mesh that was up already.

import type { Plan } from "../plan/plan.ts";
import { paintResult } from "./print.ts";

export interface UpSummary {
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  readonly stopped: readonly string[];
  /** What changed in SPIRE Servers, as sentences without a full stop. */
  readonly trust: readonly string[];
  /** Dynamic files that running sidecars took up. */
  readonly files: readonly { readonly sidecar: string; readonly file: string }[];
  /** From spawning the first process until a request had crossed every edge. */
  readonly firstRequestMs: number | undefined;
  readonly elapsedMs: number;
}

/**
 * For a mesh that has just come up.
 *
 * @param typed how this mesh is spoken of at a prompt: with the options that chose it
 */
export function formatWelcome(plan: Plan, { firstRequestMs, elapsedMs }: UpSummary, typed = "./mesh"): string {
  const pages = plan.domains.flatMap(({ sidecars }) =>
    sidecars.flatMap(({ workload, published }) =>
      published === undefined ? [] : [`  ${workload}  http://${hostInWords(published.host)}:${published.port}/`],
    ),
  );
  const processes = count(plan.processes.length, "process", "processes");
  const domains = count(plan.domains.length, "trust domain", "trust domains");
  const first = firstRequestMs === undefined ? "" : `, first request across after ${seconds(firstRequestMs)}`;
  return [
    `${paintResult("green", "up")}: ${processes} in ${domains}, ${seconds(elapsedMs)}${first}`,
    ...pages,
    "",
    `next:  ${typed} status    who trusts whom, and does every edge work`,
    `       ${typed} logs -f   what the processes say`,
    `       ${typed} down      end everything and destroy its keys`,
  ].join("\n");
}

/** As a browser on this machine reaches it. */
function hostInWords(host: string): string {
  if (host === "127.0.0.1" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

/** For a mesh that was up: trust first, then sidecars, then processes. `unchanged` when nothing differs. */
export function formatDifference(plan: Plan, { trust, files, stopped, started, restarted }: UpSummary): string {
  const running = files.filter(({ sidecar }) => !started.includes(sidecar) && !restarted.includes(sidecar));
  const bySidecar = Map.groupBy(running, ({ sidecar }) => sidecar);
  const controllers = new Set(plan.domains.map(({ controller }) => controller.process));
  const lines = [
    ...trust,
    ...[...bySidecar].map(([sidecar, taken]) => `${sidecar} took up ${taken.map(({ file }) => file).join(", ")}`),
    ...stopped.map((name) => `stopped ${name}`),
    ...started.map((name) => `started ${name}`),
    ...restarted.map((name) =>
      controllers.has(name)
        ? `restarted ${name}, which may open the sockets of other sidecars now`
        : `restarted ${name}`,
    ),
  ];
  return lines.length === 0 ? "unchanged" : lines.join("\n");
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
