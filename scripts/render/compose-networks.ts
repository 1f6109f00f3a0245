// Networks of a docker plan as Compose networks: what each lets through, and why it is there.

import type { Network, Plan } from "../plan/plan.ts";
import { merged, type Comments, type ComposeMap } from "./compose-yaml.ts";

export function networks({ networks: planned = [] }: Plan): ComposeMap {
  return Object.fromEntries(planned.map((network) => [network.name, definition(network)]));
}

function definition({ kind, subnet }: Network): ComposeMap {
  const ipam = { config: [{ subnet }] };
  return kind === "page" ? { ipam, driver_opts: noMasquerade } : { "<<": merged("internal"), ipam };
}

const noMasquerade = { "com.docker.network.bridge.enable_ip_masquerade": "false" } as const;

/** Merged into every network but those of pages. */
export const internal = {
  internal: true,
  driver_opts: { "com.docker.network.bridge.inhibit_ipv4": "true" },
} as const;

/**
 * What a container's networks are, for its label: Compose makes a changed network anew, and connects a container that it does
 * not make anew too without its fixed address.
 */
export function networkTraits({ networks: planned = [] }: Plan, process: string): readonly unknown[] {
  const joined = planned.filter(({ members }) => members[process] !== undefined);
  return joined.map(({ kind, subnet }) => [subnet, kind === "page" ? noMasquerade : internal]);
}

export function networkComments({ networks: planned = [], domains }: Plan): Comments {
  const first = planned.find(({ kind }) => kind === "trust-domain");
  const page = planned.find(({ kind }) => kind === "page");
  return {
    "networks.federation":
      "Between trust domains: sidecars that call or are called across them, and the servers' bundle endpoints. Nobody else.",
    ...(first === undefined
      ? {}
      : {
          [`networks.${first.name}`]: `Inside a trust domain (${domains[0]?.trustDomain}): its server, agent and controller.`,
        }),
    ...(page === undefined
      ? {}
      : {
          [`networks.${page.name}`]:
            "An internal network publishes no port, so the sidecar with a page has one more. Without masquerading nobody gets out there.",
        }),
  };
}
