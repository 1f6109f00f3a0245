// Descriptions for tests: the shipped mesh.yaml, with a published port of its own, and what a test changes in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse, stringify } from "yaml";

import { checkoutDir } from "./checkout.ts";

/** mesh.yaml as a person writes it, as far as tests need it. */
export interface Description {
  trustDomains: Record<
    string,
    { name?: string; federatesWith?: string[]; ttl?: { ca?: string; x509Svid?: string } } | Record<string, never>
  >;
  workloads: Record<string, WorkloadDescription>;
}

export interface WorkloadDescription {
  spiffeId: string;
  app: {
    node?: string;
    image?: string;
    command?: string[];
    workingDir?: string;
    build?: string[];
    listen?: string;
    health?: string;
  };
  publish?: string;
  calls?: Record<string, string[] | { allow: string[]; timeout?: string }>;
}

/** The shipped mesh, its page published on `port`. */
export function shipped(port: number): Description {
  const description: Description = parse(readFileSync(join(checkoutDir, "mesh.yaml"), "utf8"));
  const { broker } = description.workloads;
  if (broker === undefined) throw new Error("the shipped mesh.yaml has no workload broker");
  broker.publish = `127.0.0.1:${port}`;
  return description;
}

/** The shipped mesh with SVIDs that live `x509Svid`, in both trust domains. */
export function shortLived(port: number, x509Svid: string): Description {
  const description = shipped(port);
  for (const domain of Object.values(description.trustDomains)) domain.ttl = { ca: "75m", x509Svid };
  return description;
}

export function toText(description: Description): string {
  return stringify(description);
}
