// A status report of a real mesh (SPIRE 1.15.3, Envoy 1.40) whose facts tests bend, and a sidecar that counts like Envoy.

import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { DomainStatus, StatusReport } from "../../../scripts/control/status-report.ts";
import type { DomainFacts } from "../../../scripts/observe/facts.ts";
import { subscriptionPrefixes } from "../../../scripts/observe/envoy.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import { dynamicFileNames, type DynamicFileName } from "../../../scripts/render/dynamic.ts";
import { sidecarOf, type SocketFolder } from "../observe/fixtures.ts";

/** What `./mesh status --json` said of the tutorial's mesh. */
export function readyReport(): StatusReport {
  const report: StatusReport = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../golden/status/ready.json"), "utf8"),
  );
  return report;
}

/** The facts of every trust domain, those of one of them bent. */
export function bent(trustDomain: string, bend: (facts: DomainFacts) => Partial<DomainFacts>): DomainStatus[] {
  return readyReport().trustDomains.map((domain) => {
    if (domain.trustDomain !== trustDomain || domain.facts === undefined) return domain;
    return { ...domain, facts: { ...domain.facts, ...bend(domain.facts) } };
  });
}

export interface CountingSidecar {
  readonly plan: SidecarPlan;
  /** What is rejected from now on, and with which words. */
  readonly reject: (rejects: string, reason?: string) => void;
  /** How many renames it has read, by file. */
  readonly attempts: (file: DynamicFileName) => number;
}

/**
 * The sidecar of `quotes`, answering /stats as Envoy counts: one attempt for each time that a file is another one, and
 * rejected when its content has the word. The version it reports is the last one read, rejected or not.
 */
export async function countingSidecar(folder: SocketFolder, rejects = "reject this"): Promise<CountingSidecar> {
  let rejecting = { rejects, reason: "missing )" };
  let lastError: string | undefined;
  const dynamicDir = folder.path("xds");
  await mkdir(dynamicDir);
  const seen = new Map<DynamicFileName, number>();
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const sidecar = sidecarOf("quotes", { dynamicDir, adminSocket: folder.path("admin.sock") });
  const prefixes = subscriptionPrefixes(sidecar);
  const read = (): void => {
    for (const file of dynamicFileNames) {
      const path = join(dynamicDir, file);
      const inode = statSync(path, { throwIfNoEntry: false })?.ino;
      if (inode === undefined || inode === seen.get(file)) continue;
      seen.set(file, inode);
      count(`${prefixes[file]}.update_attempt`);
      const isRejected = readFileSync(path, "utf8").includes(rejecting.rejects);
      count(`${prefixes[file]}.update_${isRejected ? "rejected" : "success"}`);
      if (file === "listeners.yaml") lastError = isRejected ? rejecting.reason : undefined;
    }
  };
  await folder.serve("admin.sock", (request, response) => {
    if (request.url?.startsWith("/config_dump") === true)
      return response.end(JSON.stringify({ configs: [{ error_state: { details: lastError } }] }));
    read();
    for (const prefix of Object.values(prefixes))
      for (const name of ["attempt", "success", "rejected"])
        counts.set(`${prefix}.update_${name}`, counts.get(`${prefix}.update_${name}`) ?? 0);
    return response.end([...counts].map(([name, value]) => `${name}: ${value}\n`).join(""));
  });
  return {
    plan: sidecar,
    reject: (words, reason = rejecting.reason) => void (rejecting = { rejects: words, reason }),
    attempts: (file) => counts.get(`${prefixes[file]}.update_attempt`) ?? 0,
  };
}
