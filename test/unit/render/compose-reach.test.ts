// Who can reach whom in the rendered Compose file: networks, addresses, sockets and files, for every mesh of the goldens.

import { test } from "vitest";

import type { Plan } from "../../../scripts/plan/plan.ts";
import { meshes, mountsOf, services, servicesOf } from "./docker-meshes.ts";

test("networks are internal, but for one per page that only its sidecar is in", ({ expect }) => {
  for (const { compose, plan } of meshes) {
    for (const [name, network] of Object.entries(compose.networks)) {
      const members = Object.entries(compose.services).filter(([, service]) => service.networks?.[name] !== undefined);
      if (network.internal === true) {
        expect(network.driver_opts).toEqual({ "com.docker.network.bridge.inhibit_ipv4": "true" });
        continue;
      }
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
      if (name === "federation") expect(["spire-server", "sidecar", "network"], process.name).toContain(process.role);
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
  for (const { compose, service, process } of servicesOf("app")) {
    const tcp = process.listens.length > 0;
    const hasHolder = compose.services[`${process.workload}-network`] !== undefined;
    const holder = `service:${process.workload}-${hasHolder ? "network" : "sidecar"}`;
    expect(service?.network_mode).toBe(tcp ? holder : "none");
    expect(service).not.toHaveProperty("networks");
    const own = [`${process.workload}-sidecar-outbound`, ...(hasHolder ? [] : [process.name])];
    for (const { volume } of mountsOf(service)) expect(own).toContain(volume);
  }
});

test("a network is held for an app that can only do TCP, and joined by its sidecar and nobody else", ({ expect }) => {
  for (const { compose, process, service } of servicesOf("network")) {
    const joined = Object.entries(compose.services).filter(
      ([, other]) => other.network_mode === `service:${process.name}`,
    );
    expect(joined.map(([name]) => name)).toEqual([`${process.workload}-sidecar`, process.workload]);
    expect(service).not.toHaveProperty("volumes");
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
        const apps = plan.processes.filter(({ role, workload: of }) => role === "app" && of === workload);
        const names = apps.map(({ name: app }) => app);
        if (callers.length > 0) expect(callers).toEqual([...names, process, controller].toSorted());
        for (const slot of [workload, `${workload}-slot-2`]) {
          const [asking, own] = [[`${workload}-contract`], [slot]].map((some) =>
            some.filter((one) => compose.services[one] !== undefined),
          );
          if (compose.volumes[slot] !== undefined)
            expect(holders(slot)).toEqual([...(own ?? []), ...(asking ?? []), process].toSorted());
        }
      }
    }
  }
});

test("each volume is written by one user, and only what several must have is a volume", ({ expect }) => {
  for (const { compose, plan } of meshes) {
    for (const name of Object.keys(compose.volumes)) {
      const others = Object.entries(compose.services).filter(([service]) => !service.endsWith("-contract"));
      const mounts = others.flatMap(([, service]) =>
        mountsOf(service).flatMap(({ volume, readOnly }) =>
          volume === name ? [{ user: service.user, readOnly }] : [],
        ),
      );
      // A slot that has no app yet, or any more, is for the sidecar alone to read.
      const isEmpty = isSlot(plan, name) && compose.services[name] === undefined;
      expect(mounts.length, name).toBeGreaterThan(isEmpty ? 0 : 1);
      // The user's own folder is made in it; see the durable ones of scripts/plan/layout.ts.
      expect(new Set(mounts.filter(({ readOnly }) => !readOnly).map(({ user }) => user)).size, name).toBe(
        isEmpty ? 0 : 1,
      );
    }
  }
});

function isSlot({ domains }: Plan, name: string): boolean {
  const workloads = domains.flatMap(({ sidecars }) => sidecars.map(({ workload }) => workload));
  return workloads.some((workload) => [workload, `${workload}-slot-2`].includes(name));
}

test("owner, group and mode of a folder admit exactly as its mounts do", ({ expect }) => {
  for (const { plan } of meshes) {
    const { folders, processes } = plan;
    for (const { path, owner, mode, mounts = {} } of folders) {
      for (const [name, access] of Object.entries(mounts)) {
        const user = processes.find((process) => process.name === name)?.user;
        // Of a slot that has no app, or of who asks one while there is one to ask.
        if (user === undefined && (isSlot(plan, name) || name.endsWith("-contract"))) continue;
        const groups = [user?.gid, ...(user?.groups ?? [])];
        const bits = user?.uid === owner.uid ? mode >> 6 : groups.includes(owner.gid) ? mode >> 3 : mode;
        // Who asks an app enters by its sidecar's group; it clears up as the app's user, and for that has the mount.
        const needed = access === "write" && !name.endsWith("-contract") ? 0o7 : 0o5;
        expect(bits & needed, `${name} ${access}s ${path}`).toBe(needed);
      }
    }
  }
});

test("what a one-shot writes into memory stays with a service that it waits for", ({ expect }) => {
  for (const { folders, processes } of meshes.map(({ plan }) => plan)) {
    for (const { path, mounts = {} } of folders.filter(({ durable }) => !durable)) {
      for (const oneShot of processes.filter(
        ({ role, name }) => ["keys", "bootstrap"].includes(role) && mounts[name] === "write",
      )) {
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
