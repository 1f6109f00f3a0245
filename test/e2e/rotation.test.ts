// SVIDs that live seconds: both sidecars get new ones again and again, and no request notices.

import type { StatusReport } from "../../scripts/control/status-report.ts";
import type { SidecarFacts } from "../../scripts/observe/facts.ts";
import { until } from "../../scripts/wait.ts";
import { shortLived } from "./description.ts";
import { beginLoad } from "./load.ts";
import { meshTest } from "./mesh.ts";

const test = meshTest({ description: (port) => shortLived(port, "15s") });

function sidecarsOf(status: StatusReport): SidecarFacts[] {
  return status.trustDomains.flatMap(({ facts }) => [...(facts?.sidecars ?? [])]);
}

function handshakes(status: StatusReport): number {
  const edges = status.trustDomains.flatMap(({ facts }) => [...(facts?.edges ?? [])]);
  return edges.reduce((sum, { counters }) => sum + (counters?.handshakes ?? 0), 0);
}

test("both sides rotate their SVID three times and no request fails", async ({ mesh, expect }) => {
  const before = await mesh.status();
  const serials = new Map<string, Set<string>>(sidecarsOf(before).map(({ process }) => [process, new Set()]));
  await using load = beginLoad(mesh.url("/api/quotes"));
  const look = async (): Promise<StatusReport | undefined> => {
    const status = await mesh.status();
    for (const { process, svid } of sidecarsOf(status)) if (svid !== undefined) serials.get(process)?.add(svid.serial);
    // Connections end with what they were made with: new ones show that the new SVIDs are used.
    const shown = handshakes(status) - handshakes(before);
    return shown >= 3 && [...serials.values()].every(({ size }) => size >= 4) ? status : undefined;
  };
  const condition = "each sidecar has had four SVIDs, and three new connections";
  const after = await until(condition, look, { deadlineMs: 60_000, intervalMs: 1000 });
  const { requests, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(1000);
  expect([...serials.keys()].toSorted()).toEqual(["broker-sidecar", "quotes-sidecar"]);
  for (const { svid, spiffeId } of sidecarsOf(after)) {
    expect(svid?.rotations).toBeGreaterThanOrEqual(3);
    expect(svid?.spiffeId).toBe(spiffeId);
  }
  expect(after.problems).toEqual([]);
});
