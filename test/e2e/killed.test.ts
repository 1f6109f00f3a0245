// Each part killed alone, as a crash would: it heals without help, under the same identity, and only what went through
// it is lost.

import { describe } from "vitest";

import type { StatusReport } from "../../scripts/control/status-report.ts";
import type { ProcessStatus } from "../../scripts/runtime/runtime.ts";
import { until } from "../../scripts/wait.ts";
import { freezeProcess, killProcess, thawProcess } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { meshTest } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

const test = meshTest();

/** Who is who: what a restart must not change. */
function identities({ trustDomains }: StatusReport): object {
  return trustDomains.map(({ trustDomain, facts }) => ({
    trustDomain,
    bundle: facts?.server.bundle?.digest,
    agent: facts?.agent.svid?.spiffeId,
    sidecars: facts?.sidecars.map(({ svid }) => svid?.spiffeId),
  }));
}

/** Kills a process and waits until it is back and the mesh says that it is ready. */
async function killAndHeal(mesh: Place, name: string): Promise<StatusReport> {
  const before = await mesh.process(name);
  await killProcess(mesh, name);
  const isBack = async (): Promise<boolean> => {
    const now = (await mesh.ps()).find((process) => process.name === name);
    return now?.state === "running" && now.pid !== before.pid && now.restarts === before.restarts + 1;
  };
  await until(`${name} runs again`, isBack, { deadlineMs: 15_000, intervalMs: 100 });
  await quotesFlow(mesh, 15_000);
  let problems = "";
  const isReady = async (): Promise<StatusReport | undefined> => {
    const status = await mesh.status();
    problems = JSON.stringify(status.problems);
    return status.ready ? status : undefined;
  };
  return until("status is ready", isReady, { deadlineMs: 20_000, intervalMs: 200, lastSeen: () => problems });
}

function pids(processes: readonly ProcessStatus[], except: string): object {
  return processes.filter(({ name }) => name !== except).map(({ name, pid }) => ({ name, pid }));
}

describe("killed and healed alone", () => {
  test.for(["quotes", "broker", "quotes-sidecar", "broker-sidecar"])("%s", async (name, { mesh, expect }) => {
    const [status, processes] = [await mesh.status(), await mesh.ps()];
    const healed = await killAndHeal(mesh, name);
    expect(identities(healed)).toEqual(identities(status));
    expect(pids(await mesh.ps(), name)).toEqual(pids(processes, name));
  });
});

test("what hangs is named by status, with what to do, until it is well again", async ({ mesh, expect }) => {
  await freezeProcess(mesh, "quotes");
  try {
    const { status, stdout } = await mesh.mesh("status");
    expect(status).toBe(1);
    expect(stdout).toMatch(/broker → quotes: no answer/);
    expect(stdout).toMatch(/^ *fix: \.\/mesh /m);
  } finally {
    await thawProcess(mesh, "quotes");
  }
  await quotesFlow(mesh, 15_000);
  expect((await mesh.mesh("status")).status).toBe(0);
});

describe("killed under requests of which none is lost", () => {
  test.for(["spire-agent-broker", "spire-agent-stockmarket", "spire-server-stockmarket", "controller-stockmarket"])(
    "%s",
    async (name, { mesh, expect }) => {
      const [status, processes] = [await mesh.status(), await mesh.ps()];
      await using load = beginLoad(mesh.url("/api/quotes"));
      await load.more(50);
      const healed = await killAndHeal(mesh, name);
      await load.more(50);
      expect((await load.end()).failures).toEqual([]);
      expect(identities(healed)).toEqual(identities(status));
      expect(pids(await mesh.ps(), name)).toEqual(pids(processes, name));
    },
  );
});

test("up right after a controller was killed changes nothing", async ({ mesh, expect }) => {
  await killProcess(mesh, "controller-broker");
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
});
