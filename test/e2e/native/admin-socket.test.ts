// An app owns the folder of its own socket, and its sidecar connects to whatever lies there. Nothing that the sidecar
// may open must be worth linking to. Only where every process has a user of its own, so only as root.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { test as always } from "vitest";

import { requestUnix } from "../../../scripts/observe/unix-http.ts";
import { until } from "../../../scripts/wait.ts";
import { planOf } from "../inside.ts";
import { meshTest } from "../mesh.ts";
import { quotesFlow } from "../place.ts";

const test = meshTest();

/** What the app of `workload` could do to its own folder. */
async function asApp(uid: number, script: string): Promise<void> {
  const args = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", "sh", "-c", script];
  await promisify(execFile)("setpriv", args);
}

if (process.getuid?.() === 0) {
  test("an app that links its socket to the admin socket has nothing published", async ({ mesh, expect }) => {
    const plan = await planOf(mesh);
    const app = plan.processes.find(({ name }) => name === "broker");
    const sidecar = plan.domains.flatMap(({ sidecars }) => sidecars).find(({ workload }) => workload === "broker");
    const [socket] = app?.sockets ?? [];
    if (app === undefined || sidecar === undefined || socket === undefined) throw new Error("the plan has no broker");
    await quotesFlow(mesh, 10_000);
    await asApp(app.user.uid, `mv ${socket} ${socket}.real && ln -s ${sidecar.adminSocket} ${socket}`);
    // Connections to the app itself are kept for a while: it has no such page.
    const statuses = new Set<number>();
    const refused = async (): Promise<boolean> => {
      const { status } = await fetch(mesh.url("/server_info"), { signal: AbortSignal.timeout(5000) });
      statuses.add(status);
      return status !== 404;
    };
    await until("a new connection is made", refused, { deadlineMs: 10_000, intervalMs: 3500 });
    expect([...statuses].at(-1)).toBe(503);
    // The control: the interface is there, for whoever may open it.
    const { status } = await requestUnix({ socket: sidecar.adminSocket, path: "/server_info", deadlineMs: 2000 });
    expect(status).toBe(200);
    await asApp(app.user.uid, `mv ${socket}.real ${socket}`);
    expect((await quotesFlow(mesh, 10_000)).quotes).toHaveLength(11);
  });
} else {
  always("without root every process is the user's own, and the README says so", async ({ expect }) => {
    const { readFile } = await import("node:fs/promises");
    expect(await readFile(new URL("../../../README.md", import.meta.url), "utf8")).toContain(
      "As an ordinary user all processes",
    );
  });
}
