// The rendered Compose file held to the rules for containers (CIS Docker Benchmark's names, and the mesh's own), for every
// mesh of the goldens, so that no future workload can weaken it.

import { test } from "vitest";

import { composeOf, dockerPlan, meshNames, mountsOf, oneShotRoles, type Service } from "./docker-meshes.ts";

const meshes = meshNames.map((name) => ({ name, ...composeOf(name), plan: dockerPlan(name) }));

/** Every service of every mesh with the process it stands for. */
const services = meshes.flatMap(({ name, compose, plan }) =>
  plan.processes.map((process) => ({ mesh: name, plan, compose, process, service: compose.services[process.name] })),
);

function proofOf(service: Service | undefined): string | undefined {
  return service?.healthcheck?.test.at(-1);
}

function servicesOf(...roles: readonly string[]) {
  return services.filter(({ process }) => roles.includes(process.role));
}

test("there is a service for each process and no other", ({ expect }) => {
  for (const { compose, plan } of meshes)
    expect(Object.keys(compose.services).toSorted()).toEqual(plan.processes.map(({ name }) => name).toSorted());
});

test("every container is read-only, without capabilities, privileges or host namespaces", ({ expect }) => {
  for (const { service, process } of services) {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      ulimits: { core: 0 },
    });
    const forbidden = [
      "cap_add",
      "privileged",
      "devices",
      "device_cgroup_rules",
      "ipc",
      "uts",
      "userns_mode",
      "cgroup",
    ];
    for (const key of [...forbidden, "env_file", "extends", "links", "tty", "stdin_open", "secrets", "dns"])
      expect(service, process.name).not.toHaveProperty(key);
    expect(service?.network_mode).not.toBe("host");
  }
});

test("only agents see the host's processes", ({ expect }) => {
  for (const { service, process } of services)
    expect(service?.pid, process.name).toBe(process.role === "spire-agent" ? "host" : undefined);
});

test("every container has limits for processes, memory and logs", ({ expect }) => {
  for (const { service, process } of services) {
    expect(service?.pids_limit, process.name).toBeLessThanOrEqual(64);
    expect(service?.mem_limit, process.name).toMatch(/^(192|384)m$/);
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
  for (const { service } of services)
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
    expect(binds, process.name).toEqual(process.role === "app" ? [] : own);
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

test("networks are internal, but for one per page that only its sidecar is in", ({ expect }) => {
  for (const { compose, plan } of meshes) {
    for (const [name, network] of Object.entries(compose.networks)) {
      const members = Object.entries(compose.services).filter(([, service]) => service.networks?.[name] !== undefined);
      if (network.internal === true) continue;
      expect(members.map(([, service]) => service.ports?.length)).toEqual([1]);
      expect(network.driver_opts).toEqual({ "com.docker.network.bridge.enable_ip_masquerade": "false" });
    }
    const pages = plan.domains.flatMap(({ sidecars }) => sidecars).filter(({ published }) => published !== undefined);
    expect(Object.values(compose.networks).filter(({ internal }) => internal !== true)).toHaveLength(pages.length);
  }
});

test("trust domains meet in one network, and there only sidecars and bundle endpoints", ({ expect }) => {
  for (const { compose, process, service, plan } of services) {
    for (const name of Object.keys(service?.networks ?? {})) {
      if (name === "federation") expect(["spire-server", "sidecar"], process.name).toContain(process.role);
      else if (compose.networks[name]?.internal === true)
        expect(name).toBe(
          `${plan.domains.find(({ trustDomain }) => trustDomain === process.trustDomain)?.name}-internal`,
        );
    }
  }
  expect(
    servicesOf("spire-agent", "controller").every(({ service }) => Object.keys(service?.networks ?? {}).length === 1),
  ).toBe(true);
});

test("SPIRE Server answers agents on its own trust domain's network alone", ({ expect }) => {
  for (const { domains, networks = [] } of meshes.map(({ plan }) => plan)) {
    const federation = networks.find(({ kind }) => kind === "federation");
    for (const { server, relationships } of domains) {
      const between = federation?.members[server.process];
      expect([server.api.host, server.health.host]).not.toContain(between);
      if (relationships.length > 0) expect(server.bundleEndpoint.host).toBe(between);
    }
  }
});

test("addresses are fixed, of their network, and nobody's twice", ({ expect }) => {
  for (const { compose } of meshes) {
    const all = Object.values(compose.services).flatMap(({ networks = {} }) => Object.entries(networks));
    for (const [name, { ipv4_address: address }] of all) {
      const subnet = compose.networks[name]?.ipam.config[0]?.subnet;
      expect(`${address.replace(/\d+$/, "0")}/24`).toBe(subnet);
      expect(address).toMatch(/^\$\{MESH_SUBNET:-10\.199\}\.\d+\.(?!0$|1$|255$)\d+$/);
    }
    expect(new Set(all.map(([, { ipv4_address: address }]) => address)).size).toBe(all.length);
  }
});

test("an app has no network, or its sidecar's when it can only do TCP, and its own sockets alone", ({ expect }) => {
  for (const { service, process } of servicesOf("app")) {
    const tcp = process.listens.length > 0;
    expect(service?.network_mode).toBe(tcp ? `service:${process.workload}-sidecar` : "none");
    expect(service).not.toHaveProperty("networks");
    const own = [`${process.workload}-sidecar-outbound`, ...(tcp ? [] : [process.workload])];
    for (const { volume } of mountsOf(service)) expect(own).toContain(volume);
  }
});

test("a socket is mounted into who makes it and who may open it", ({ expect }) => {
  for (const { compose, plan } of meshes) {
    const holders = (wanted: string): string[] =>
      Object.entries(compose.services)
        .filter(([, service]) => mountsOf(service).some(({ volume }) => volume === wanted))
        .map(([name]) => name)
        .toSorted();
    for (const { name, sidecars } of plan.domains) {
      const [server, agent, controller] = [`spire-server-${name}`, `spire-agent-${name}`, `controller-${name}`];
      expect(holders(server)).toEqual([controller, `spire-bootstrap-${name}`, server]);
      expect(holders(controller)).toEqual([controller, `spire-bootstrap-${name}`]);
      expect(holders(`${server}-data`)).toEqual([`spire-keys-${name}`, server]);
      expect(holders(`${agent}-key`)).toEqual([agent, `spire-keys-${name}`]);
      expect(holders(`${agent}-public`)).toEqual([...sidecars.map(({ process }) => process), agent].toSorted());
      for (const { process, workload } of sidecars) {
        expect(holders(`${process}-admin`)).toEqual([controller, process].toSorted());
        expect(holders(`${process}-xds`)).toEqual([controller, process].toSorted());
        const callers = holders(`${process}-outbound`);
        if (callers.length > 0) expect(callers).toEqual([workload, process, controller].toSorted());
      }
    }
  }
});

test("each volume is written by one user, and only what several must have is a volume", ({ expect }) => {
  for (const { compose } of meshes) {
    for (const name of Object.keys(compose.volumes)) {
      const mounts = Object.values(compose.services).flatMap((service) =>
        mountsOf(service).flatMap(({ volume, readOnly }) =>
          volume === name ? [{ user: service.user, readOnly }] : [],
        ),
      );
      expect(mounts.length, name).toBeGreaterThan(1);
      // The user's own folder is made in it; see the durable ones of scripts/plan/layout.ts.
      expect(new Set(mounts.filter(({ readOnly }) => !readOnly).map(({ user }) => user)).size, name).toBe(1);
    }
  }
});

test("owner, group and mode of a folder admit exactly as its mounts do", ({ expect }) => {
  for (const { folders, processes } of meshes.map(({ plan }) => plan)) {
    for (const { path, owner, mode, mounts = {} } of folders) {
      for (const [name, access] of Object.entries(mounts)) {
        const user = processes.find((process) => process.name === name)?.user;
        const groups = [user?.gid, ...(user?.groups ?? [])];
        const bits = user?.uid === owner.uid ? mode >> 6 : groups.includes(owner.gid) ? mode >> 3 : mode;
        const needed = access === "write" ? 0o7 : 0o5;
        expect(bits & needed, `${name} ${access}s ${path}`).toBe(needed);
      }
    }
  }
});

test("what a one-shot writes into memory stays with a service that it waits for", ({ expect }) => {
  for (const { folders, processes } of meshes.map(({ plan }) => plan)) {
    for (const { path, mounts = {} } of folders.filter(({ durable }) => !durable)) {
      for (const oneShot of processes.filter(({ role, name }) => oneShotRoles.has(role) && mounts[name] === "write")) {
        // scripts/control/bootstrap.ts asks the controller of its trust domain before it writes.
        const holder = processes.find(
          ({ role, trustDomain }) => role === "controller" && trustDomain === oneShot.trustDomain,
        );
        expect(mounts[holder?.name ?? ""], `${path}, written by ${oneShot.name}`).toBe("write");
        const socketFolder = folders.find((folder) =>
          holder?.sockets.some((socket) => socket.startsWith(`${folder.path}/`)),
        );
        expect(socketFolder?.mounts?.[oneShot.name]).toBe("read");
      }
    }
  }
});

test("a one-shot ends, has no network, and is awaited by a service that stays", ({ expect }) => {
  for (const { compose, process, service } of servicesOf("keys", "bootstrap")) {
    expect(service).toMatchObject({ restart: "no", network_mode: "none" });
    const waiting = Object.values(compose.services).filter(
      ({ depends_on: others = {}, restart }) =>
        others[process.name]?.condition === "service_completed_successfully" && restart === "unless-stopped",
    );
    expect(waiting, process.name).not.toEqual([]);
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
    else expect(service, process.name).not.toHaveProperty("healthcheck");
  }
  expect(proofOf(composeOf("quotes").compose.services["broker"])).toContain("health.ts /health quotes=/quotes");
});

test("no environment variable holds a secret, and no service has one", ({ expect }) => {
  const known = /^(LISTEN|UPSTREAM_[A-Z0-9_]+|MESH_SUBNET)$/;
  for (const { service } of services)
    for (const name of Object.keys(service?.environment ?? {})) expect(name).toMatch(known);
});
