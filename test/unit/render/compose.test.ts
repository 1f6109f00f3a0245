// The rendered Compose file held to the rules for containers (CIS Docker Benchmark's names), for every mesh of the goldens,
// so that no future workload can weaken it. What they may reach is compose-reach.test.ts.

import { test } from "vitest";

import type { Plan, Process, Role } from "../../../scripts/plan/plan.ts";
import { composeOf, meshes, oneShotRoles, services, servicesOf, type Service } from "./docker-meshes.ts";

function proofOf(service: Service | undefined): string | undefined {
  return service?.healthcheck?.test.at(-1);
}

test("there is a service for each process and no other", ({ expect }) => {
  for (const { compose, plan } of meshes)
    expect(Object.keys(compose.services).toSorted()).toEqual(plan.processes.map(({ name }) => name).toSorted());
});

const allowedKeys = new Set(
  (
    "image build init command profiles working_dir environment user group_add labels depends_on healthcheck restart stop_signal cpu_shares " +
    "networks network_mode ports pid volumes tmpfs read_only cap_drop security_opt pids_limit mem_limit ulimits logging"
  ).split(" "),
);

/**
 * Whose groups a process may have beside its own: the agent's by its sidecars, its apps' by the controller; the sidecar's by
 * who asks an app in its place, the workload's first app's by another.
 */
function groupsOf({ name, role, trustDomain, workload }: Process, { processes }: Plan): string[] {
  const near: Partial<Record<Role, Role>> = {
    keys: "spire-agent",
    sidecar: "spire-agent",
    controller: "app",
    contract: "sidecar",
  };
  const others = processes.filter((other) =>
    role === "app"
      ? other.name === workload && name !== workload
      : other.role === near[role] &&
        other.trustDomain === trustDomain &&
        (role !== "contract" || other.workload === workload),
  );
  return others.map(({ user }) => String(user.gid)).toSorted();
}

test("nobody is in another group than those of the processes it has to do with", ({ expect }) => {
  for (const { compose, plan, usual } of meshes)
    for (const process of plan.processes)
      expect(compose.services[process.name]?.group_add?.toSorted() ?? [], process.name).toEqual(
        groupsOf(process, process.role === "contract" ? plan : usual),
      );
});

test("a container whose first process is Node has an init that hears when it is to end", ({ expect }) => {
  for (const { service, process } of services) {
    const isNode =
      process.image === undefined && !["spire-server", "spire-agent", "sidecar", "network"].includes(process.role);
    const isFirst = service?.pid === undefined;
    expect(service?.init === true, process.name).toBe(isNode && isFirst);
  }
});

test("every container is read-only, without capabilities, privileges or host namespaces", ({ expect }) => {
  for (const { service, process } of services) {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      ulimits: { core: 0 },
    });
    // Whatever else Compose knows, now or later, is refused until it is looked at.
    const others = Object.keys(service ?? {}).filter((key) => !allowedKeys.has(key));
    expect(others, process.name).toEqual([]);
    expect(service?.network_mode).not.toBe("host");
  }
});

/** Who shares a network ends with whoever holds it. */
function sharedWith(service: Service | undefined): string | undefined {
  return service?.network_mode?.startsWith("service:") === true ? service.network_mode : undefined;
}

test("only agents see the host's processes", ({ expect }) => {
  for (const { service, process } of services) {
    const shared = process.role === "contract" ? undefined : sharedWith(service);
    expect(service?.pid, process.name).toBe(process.role === "spire-agent" ? "host" : shared);
  }
});

test("every container has limits for processes, memory and logs", ({ expect }) => {
  for (const { service, process } of services) {
    expect([32, 64], process.name).toContain(service?.pids_limit);
    expect(service?.mem_limit, process.name).toMatch(/^(64|192|384)m$/);
    expect(service?.logging).toEqual({ driver: "local", options: { "max-size": "5m", "max-file": "2" } });
  }
});

test("every process has a user of its own, and nobody is root", ({ expect }) => {
  for (const { compose, plan } of meshes) {
    const lasting = plan.processes.filter(({ role }) => !oneShotRoles.has(role));
    const users = lasting.map(({ name }) => compose.services[name]?.user);
    expect(new Set(users).size).toBe(lasting.length);
    for (const user of users) expect(user).toMatch(/^6[01]\d{3}:6[01]\d{3}$/);
  }
});

test("a one-shot has the user whose part it prepares", ({ expect }) => {
  for (const { compose, process, service } of servicesOf("keys", "bootstrap")) {
    const lasting = process.role === "keys" ? "spire-server" : "controller";
    const [other] = Object.entries(compose.services).filter(
      ([name]) => name === process.name.replace(/^.*-(?=[^-]+$)/, `${lasting}-`),
    );
    expect(service?.user).toBe(other?.[1].user);
  }
});

test("images have a version, and a variable can put a digest in its place", ({ expect }) => {
  for (const { service, process } of services)
    if (process.image === undefined)
      expect(service?.image).toMatch(
        /^\$\{(SPIRE_SERVER|SPIRE_AGENT|ENVOY)_IMAGE:-[\w./-]+:v?\d+\.\d+\.\d+\}$|^\$\{COMPOSE_PROJECT_NAME\}:(app|mesh)$/,
      );
});

test("of the host a container has its own configuration, read-only, and nothing else", ({ expect }) => {
  for (const { service, process } of services) {
    const binds = (service?.volumes ?? []).filter((volume) => /^[./~]/.test(volume));
    const own =
      process.role === "sidecar"
        ? [`./envoy/${process.workload}:/etc/mesh/envoy/${process.workload}:ro`]
        : [`./spire/${process.trustDomain}:/etc/mesh/spire/${process.trustDomain}:ro`];
    expect(binds, process.name).toEqual(["app", "network", "contract"].includes(process.role) ? [] : own);
  }
});

test("every way out of the machine is a page that mesh.yaml publishes", ({ expect }) => {
  for (const { service, process, plan } of services) {
    const page = plan.domains
      .flatMap(({ sidecars }) => sidecars)
      .find((sidecar) => sidecar.process === process.name)?.published;
    const ports = page === undefined ? undefined : [`${page.host}:${page.port}:${page.port}`];
    expect(service?.ports, process.name).toEqual(ports);
  }
});

test("services wait for each other without going round in a circle", ({ expect }) => {
  for (const { compose } of meshes) {
    const depth = (name: string, above: readonly string[]): number => {
      expect(above).not.toContain(name);
      const others = Object.keys(compose.services[name]?.depends_on ?? {});
      return 1 + Math.max(0, ...others.map((other) => depth(other, [...above, name])));
    };
    expect(Math.max(...Object.keys(compose.services).map((name) => depth(name, [])))).toBeLessThanOrEqual(4);
  }
});

test("a health check proves work, and is where the image has a program that can", ({ expect }) => {
  for (const { service, process } of services) {
    if (process.role === "controller")
      expect(proofOf(service)).toContain(`scripts/control/health.ts /etc/mesh/spire/${process.trustDomain}/plan.json`);
    else if (process.role === "app" && process.command[0] === "node")
      expect(proofOf(service)).toMatch(/node \/mesh\/apps\/health\.ts \/\S*( [a-z0-9-]+=\/\S*)* && : > \/tmp\/proven$/);
    else if (process.role === "network") expect(proofOf(service)).toContain("/proc/net/tcp6");
    else expect(service, process.name).not.toHaveProperty("healthcheck");
  }
  expect(proofOf(composeOf("quotes").compose.services["broker"])).toContain("health.ts /health quotes=/quotes");
});

test("no environment variable holds a secret, and no service has one", ({ expect }) => {
  const known = /^(LISTEN|UPSTREAM_[A-Z0-9_]+|MESH_SUBNET)$/;
  for (const { service } of services)
    for (const name of Object.keys(service?.environment ?? {})) expect(name).toMatch(known);
});
