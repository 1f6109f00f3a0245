// As root every process has a user of its own: an app beside a sidecar gets at no SVID, no socket and no key of others.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { messageOf } from "../../../scripts/errors.ts";
import type { DomainPlan, Plan } from "../../../scripts/plan/plan.ts";
import { planOf } from "../inside.ts";
import { meshTest } from "../mesh.ts";
import type { Place } from "../place.ts";

const isRoot = process.getuid?.() === 0;

const test = meshTest();

/** Runs a command as the user and groups of a process, and returns what it printed, errors too. */
async function as(plan: Plan, name: string, command: readonly string[]): Promise<string> {
  const user = plan.processes.find((process) => process.name === name)?.user;
  if (user === undefined) throw new Error(`the plan has no process ${name}`);
  const groups = user.groups.length === 0 ? "--clear-groups" : `--groups=${user.groups.join()}`;
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, groups, "--inh-caps=-all", "--bounding-set=-all"];
  try {
    const { stdout, stderr } = await promisify(execFile)("setpriv", [...identity, "--", ...command]);
    return `${stdout}${stderr}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function brokerDomain(mesh: Place): Promise<{ plan: Plan; domain: DomainPlan; agent: string }> {
  const plan = await planOf(mesh);
  const domain = plan.domains.find(({ trustDomain }) => trustDomain === "broker.example");
  const agent = plan.processes.find(({ name }) => name === "spire-agent-broker")?.command[0];
  if (domain === undefined || agent === undefined) throw new Error("the plan has no broker.example");
  return { plan, domain, agent };
}

test.runIf(isRoot)("each process has its own user, no capability and no way to gain one", async ({ mesh, expect }) => {
  const statuses = (await mesh.ps()).map(({ name, pid }) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (key: string): string => new RegExp(`^${key}:\\s+(.*)$`, "m").exec(status)?.[1] ?? "";
    return {
      name,
      uid: field("Uid").split("\t")[0],
      capabilities: field("CapEff"),
      noNewPrivileges: field("NoNewPrivs"),
    };
  });
  expect(new Set(statuses.map(({ uid }) => uid)).size).toBe(statuses.length);
  expect(statuses.map(({ uid }) => uid)).not.toContain("0");
  expect(new Set(statuses.map(({ capabilities }) => capabilities))).toEqual(new Set(["0000000000000000"]));
  expect(new Set(statuses.map(({ noNewPrivileges }) => noNewPrivileges))).toEqual(new Set(["1"]));
});

test.runIf(isRoot)("a sidecar's user is given its SVID and no other, its app's user none", async ({ mesh, expect }) => {
  const { plan, domain, agent } = await brokerDomain(mesh);
  const fetch = [agent, "api", "fetch", "x509", "-socketPath", domain.agent.socket];
  const given = await as(plan, "broker-sidecar", fetch);
  expect(given.match(/spiffe:\/\/\S+\/\S+/g)).toEqual(["spiffe://broker.example/webapp"]);
  for (const other of ["broker", "quotes", "quotes-sidecar", "controller-broker", "spire-server-broker"]) {
    expect(await as(plan, other, fetch), other).toContain("permission denied");
  }
});

test.runIf(isRoot)("no user but its owner gets at what a trust domain rests on", async ({ mesh, expect }) => {
  const { plan, domain } = await brokerDomain(mesh);
  const [sidecar] = domain.sidecars;
  if (sidecar === undefined) throw new Error("broker.example has no sidecar");
  const { server, agent, controller } = domain;
  /** Who else than the process that made it. */
  const guarded = [
    { path: `${server.dataDir}/keys.json`, maker: server.process, admits: [] },
    { path: agent.privateKey, maker: agent.process, admits: [] },
    { path: server.adminSocket, maker: server.process, admits: [controller.process] },
    { path: sidecar.adminSocket, maker: sidecar.process, admits: [controller.process] },
    { path: controller.socket, maker: controller.process, admits: [] },
    { path: agent.socket, maker: agent.process, admits: [sidecar.process] },
  ];
  for (const { path, maker, admits } of guarded) {
    const others = plan.processes.map(({ name }) => name).filter((name) => name !== maker);
    const reaches = await Promise.all(
      others.map(async (name) => ((await as(plan, name, ["test", "-w", path])) === "" ? [name] : [])),
    );
    expect(reaches.flat(), path).toEqual(admits);
  }
});
