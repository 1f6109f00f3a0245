// Who gets which address, port and numeric user. Pure: what was given before stays, what is new gets what is free.

import type { Allocations } from "./state.ts";

/** Numeric ids of one mesh: `first` up to, not including, `first + userBlockSize`. */
export const userBlockSize = 1000;
const firstInboundPort = 9443;

/** The last id of the block: a group of the mesh's processes that is no process's own. */
export function groupOf(firstUser: number): number {
  return firstUser + userBlockSize - 1;
}

/** Names in the order of mesh.yaml. */
export interface Wanted {
  readonly trustDomains: readonly string[];
  readonly workloads: readonly { readonly name: string; readonly trustDomain: string }[];
  readonly processes: readonly string[];
}

/** One of 4000 blocks of 256 loopback addresses: 127.64.1.0 and up, clear of 127.0.0.1 and 127.0.0.53. */
export function loopbackAddress(block: number, host: number): string {
  return `127.${64 + (block >> 8)}.${block & 255}.${host}`;
}

/** Every trust domain has an address of its own; in another block it keeps its last number. */
export function allocateAddresses(
  block: number,
  trustDomains: readonly string[],
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const hosts = new Map(
    trustDomains.flatMap((domain) => {
      const before = previous[domain]?.split(".").at(-1);
      return before === undefined ? [] : [[domain, Number(before)] as const];
    }),
  );
  for (const domain of trustDomains) if (!hosts.has(domain)) hosts.set(domain, lowestFree(1, hosts.values()));
  return Object.fromEntries(trustDomains.map((domain) => [domain, loopbackAddress(block, hosts.get(domain) ?? 0)]));
}

/** Ports of the sidecars' inbound listeners: unique per trust domain, since its sidecars share one address. */
export function allocatePorts(
  workloads: Wanted["workloads"],
  previous: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const taken = new Map<string, Set<number>>();
  const ports = new Map<string, number>();
  const take = (name: string, trustDomain: string, port: number): void => {
    const used = taken.get(trustDomain) ?? new Set();
    taken.set(trustDomain, used.add(port));
    ports.set(name, port);
  };
  for (const { name, trustDomain } of workloads) {
    const before = previous[name];
    // A workload that moved to another trust domain may find its port taken there.
    if (before !== undefined && taken.get(trustDomain)?.has(before) !== true) take(name, trustDomain, before);
  }
  for (const { name, trustDomain } of workloads)
    if (!ports.has(name)) take(name, trustDomain, lowestFree(firstInboundPort, taken.get(trustDomain) ?? []));
  return Object.fromEntries(workloads.map(({ name }) => [name, ports.get(name) ?? 0]));
}

/**
 * A numeric user per process. An id that was used before is given again only when all others have been: what a removed
 * process left anywhere must not become its successor's.
 */
export function allocateUsers(
  first: number,
  processes: readonly string[],
  previous: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const assigned: Record<string, number> = {};
  for (const name of processes) {
    const before = previous[name];
    if (before !== undefined) assigned[name] = before;
  }
  let next = Math.max(first - 1, ...Object.values(previous)) + 1;
  for (const name of processes)
    assigned[name] ??= next < groupOf(first) ? next++ : lowestFree(first, Object.values(assigned));
  return assigned;
}

/** Allocations without what this mesh no longer has. */
export function allocate(
  wanted: Wanted,
  given: { readonly block: number; readonly firstUser?: number; readonly previous?: Allocations },
): Allocations {
  const { block, firstUser, previous } = given;
  return {
    loopbackBlock: block,
    addresses: allocateAddresses(block, wanted.trustDomains, previous?.addresses),
    inboundPorts: allocatePorts(wanted.workloads, previous?.inboundPorts),
    ...(firstUser === undefined
      ? {}
      : {
          users: {
            first: firstUser,
            assigned: allocateUsers(firstUser, wanted.processes, previous?.users?.assigned),
          },
        }),
  };
}

function lowestFree(from: number, taken: Iterable<number>): number {
  const used = new Set(taken);
  let candidate = from;
  while (used.has(candidate)) candidate += 1;
  return candidate;
}
