// Minutes instead of seconds: SVIDs that live 15 s, requests without a pause, and every part that carries no request
// killed in turn. Nothing is lost, nobody's identity changes, and no process grows.

import type { StatusReport } from "../../scripts/control/status-report.ts";
import { until } from "../../scripts/wait.ts";
import { shortLived } from "../e2e/description.ts";
import { killProcess } from "../e2e/inside.ts";
import { beginLoad } from "../e2e/load.ts";
import { meshTest } from "../e2e/mesh.ts";
import { residentKilobytes } from "./resident.ts";

const test = meshTest({ description: (port) => shortLived(port, "15s") });

const wantedRotations = 24;
/** None of these carries a request, so the death of none may cost one. */
const expendable = [
  "spire-agent-broker",
  "spire-server-stockmarket",
  "controller-broker",
  "spire-agent-stockmarket",
  "spire-server-broker",
  "controller-stockmarket",
];

/** Serial numbers each sidecar has shown; its controller's own count starts anew when that is killed. */
function noteSerials({ trustDomains }: StatusReport, seen: Map<string, Set<string>>): void {
  for (const { facts } of trustDomains) {
    for (const { process, svid } of facts?.sidecars ?? []) {
      if (svid !== undefined) seen.set(process, (seen.get(process) ?? new Set()).add(svid.serial));
    }
  }
}

test("24 SVIDs a side and the death of six parts cost no request", { timeout: 600_000 }, async ({ mesh, expect }) => {
  const serials = new Map<string, Set<string>>();
  const sidecars = await Promise.all(["broker-sidecar", "quotes-sidecar"].map((name) => mesh.process(name)));
  await using load = beginLoad(mesh.url("/api/quotes"), { connections: 4, restMs: 10 });
  await load.more(500);
  const before = sidecars.map(({ pid }) => residentKilobytes(pid));
  for (let round = 0; round < wantedRotations / 4; round += 1) {
    const name = expendable[round % expendable.length] ?? "";
    const victim = await mesh.process(name);
    await killProcess(mesh, name);
    const goal = 4 * (round + 1);
    const look = async (): Promise<boolean> => {
      const status = await mesh.status();
      noteSerials(status, serials);
      const rotated = serials.size === 2 && [...serials.values()].every(({ size }) => size >= goal);
      return status.ready && rotated && (await mesh.process(name)).pid !== victim.pid;
    };
    await until(`${name} is back and each sidecar has had ${goal} SVIDs`, look, {
      deadlineMs: 90_000,
      intervalMs: 1000,
    });
  }
  const { requests, failures } = await load.end();
  const after = sidecars.map(({ pid }) => residentKilobytes(pid));
  process.stderr.write(
    `soak: ${requests} requests, ${failures.length} failed, SVIDs ${[...serials.values()].map(({ size }) => size).join(" and ")}, ` +
      `sidecars' memory ${before.join(" and ")} kB at first, ${after.join(" and ")} kB at last\n`,
  );
  expect(failures).toEqual([]);
  for (const [index, kilobytes] of after.entries()) expect(kilobytes).toBeLessThan((before[index] ?? 0) * 1.5);
});
