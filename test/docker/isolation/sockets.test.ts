// Who gets at whose sockets, keys and processes: the agent's, the server's, a sidecar's. As the engine says, and as somebody
// finds who got into a container; each attempt that fails is made a second time by who may.

import { versions } from "../../../scripts/tools/versions.ts";
import { actingAs, inside, only } from "../attacker.ts";
import { composeMeshTest, type ComposeMesh } from "../compose-mesh.ts";
import { groupsOf, type Inspected, isLasting } from "../inspected.ts";

const test = composeMeshTest();

/** Services that have the volume, and whether they may write. */
async function holdersOf(mesh: ComposeMesh, volume: string): Promise<Record<string, "read" | "write">> {
  const name = `${mesh.name}_${volume}`;
  const holders = [...(await mesh.containers())].flatMap(([service, { Mounts }]) =>
    Mounts.filter((mount) => mount.Name === name).map(({ RW }) => [service, RW ? "write" : "read"] as const),
  );
  return Object.fromEntries(holders);
}

interface Guarded {
  readonly volume: string;
  /** A socket in it, or a file. */
  readonly path: string;
  readonly isFile?: boolean;
  readonly holders: Readonly<Record<string, "read" | "write">>;
  /** Made it for others, and may not open it itself (docs/decisions/0006). */
  readonly shutTo?: string;
}

/** Of broker.example; stockmarket.example's are the same by its name. */
const guarded: readonly Guarded[] = [
  {
    volume: "spire-agent-broker-public",
    path: "/run/mesh/spire-agent-broker/public/agent.sock",
    holders: { "spire-agent-broker": "write", "broker-sidecar": "read" },
  },
  {
    volume: "spire-server-broker",
    path: "/run/mesh/spire-server-broker/api.sock",
    holders: { "spire-server-broker": "write", "controller-broker": "read", "spire-bootstrap-broker": "read" },
  },
  {
    volume: "broker-sidecar-admin",
    path: "/run/mesh/broker-sidecar/admin/admin.sock",
    holders: { "broker-sidecar": "write", "controller-broker": "read" },
    shutTo: "broker-sidecar",
  },
  {
    volume: "controller-broker",
    path: "/run/mesh/controller-broker/controller.sock",
    holders: { "controller-broker": "write", "spire-bootstrap-broker": "read" },
  },
  {
    volume: "spire-server-broker-data",
    path: "/var/lib/mesh/data/spire-server-broker/keys.json",
    isFile: true,
    holders: { "spire-server-broker": "write", "spire-keys-broker": "write" },
  },
  {
    volume: "spire-agent-broker-key",
    path: "/var/lib/mesh/keys/spire-agent-broker/x509pop.key.pem",
    isFile: true,
    holders: { "spire-keys-broker": "write", "spire-agent-broker": "read" },
  },
];

function attemptAt({ path, isFile = false }: Guarded) {
  return isFile ? { read: path } : { connect: { path } };
}

test("sockets and keys are mounted only where they are used", async ({ mesh, expect }) => {
  for (const { volume, holders } of guarded) {
    expect(await holdersOf(mesh, volume), volume).toEqual(holders);
    const partner = Object.entries(holders).map(([service, may]) => [
      service.replace("broker-sidecar", "quotes-sidecar").replace(/-broker$/, "-stockmarket"),
      may,
    ]);
    const twin = volume.replace("broker-sidecar", "quotes-sidecar").replace("-broker", "-stockmarket");
    expect(await holdersOf(mesh, twin), twin).toEqual(Object.fromEntries(partner));
  }
});

test("no container has a folder of the machine but its part of the rendered files, nor the engine's socket", async ({
  mesh,
  expect,
}) => {
  for (const [service, { Mounts }] of await mesh.containers()) {
    const folders = Mounts.filter(({ Type }) => Type === "bind");
    for (const { Source, RW } of folders) {
      expect(RW, service).toBe(false);
      expect(Source, service).toMatch(new RegExp(`^${mesh.dir}/(?:spire|envoy)/[a-z.]+$`));
    }
    for (const { Destination } of Mounts) expect(Destination, service).not.toContain("docker.sock");
  }
});

test("whoever is not meant to use a socket or a key does not even find it", async ({ mesh, expect }) => {
  const containers = [...(await mesh.containers())].filter(isLasting);
  const attempts = guarded.map(attemptAt);
  const all = await Promise.all(
    containers.map(async ([service, container]) => ({ service, endings: await actingAs(container, attempts) })),
  );
  for (const [index, { path, holders, shutTo }] of guarded.entries()) {
    for (const { service, endings } of all) {
      const wanted = service === shutTo ? /^EACCES$/ : service in holders ? /^connected$|PRIVATE KEY|^\{/ : /^ENOENT$/;
      expect(endings[index], `${service} ${path}`).toMatch(wanted);
    }
  }
});

const agentSocket = "/run/mesh/spire-agent-broker/public/agent.sock";

test("inside an app there is no SVID to be had, not as its sidecar's user and not as root", async ({
  mesh,
  expect,
}) => {
  const [broker, sidecar] = [await mesh.container("broker"), await mesh.container("broker-sidecar")];
  const attempts = [...guarded.map(attemptAt), { list: "/run/mesh" }, { list: "/etc/mesh" }];
  const nothing = [...guarded.map(() => "ENOENT"), "broker broker-sidecar", "ENOENT"];
  for (const user of [broker.Config.User, sidecar.Config.User, "0:0"])
    expect(await inside(broker, attempts, { user }), user).toEqual(nothing);
});

test("an app would need both the socket's volume and the sidecar's user", async ({ mesh, expect }) => {
  const [broker, sidecar] = [await mesh.container("broker"), await mesh.container("broker-sidecar")];
  const volume = ["--volumes-from", sidecar.Id];
  const asApp = ["--user", broker.Config.User];
  const ownGroups = groupsOf(broker).flatMap((group) => ["--group-add", group]);
  const sidecarsGroups = groupsOf(sidecar).flatMap((group) => ["--group-add", group]);
  const asSidecar = ["--user", sidecar.Config.User, ...sidecarsGroups];
  expect(await svidOf(mesh, ["--volumes-from", broker.Id, ...asSidecar])).toContain("no such file");
  expect(await svidOf(mesh, [...volume, ...asApp, ...ownGroups])).toContain("permission denied");
  expect(await svidOf(mesh, [...volume, ...asApp, ...sidecarsGroups])).toContain("no identity issued");
  expect(await svidOf(mesh, [...volume, ...asSidecar])).toContain("spiffe://broker.example/webapp");
});

/** What the Workload API says to somebody with that user and those volumes. */
async function svidOf(mesh: ComposeMesh, likeness: readonly string[]): Promise<string> {
  const image = `ghcr.io/spiffe/spire-agent:${versions.spire.version}`;
  const ask = ["--entrypoint", "/opt/spire/bin/spire-agent", image, "api", "fetch", "x509", "-socketPath", agentSocket];
  const { stdout, stderr } = await mesh.tryDocker("run", "--rm", "--network", "none", ...likeness, ...ask);
  return `${stdout}${stderr}`;
}

test("an app reaches its sidecar by the sockets made for it, and nothing else of it", async ({ mesh, expect }) => {
  const broker = await mesh.container("broker");
  expect(await only(inside(broker, [{ connect: { path: "/run/mesh/broker-sidecar/outbound/quotes.sock" } }]))).toBe(
    "connected",
  );
  const attempts = [{ list: "/run/mesh/broker-sidecar" }, { write: "/run/mesh/broker-sidecar/outbound/other.sock" }];
  expect(await inside(broker, attempts)).toEqual(["outbound", "EROFS"]);
  const quotes = await mesh.container("quotes");
  expect(await inside(quotes, [{ list: "/run/mesh" }, { list: "/run/mesh/quotes" }])).toEqual(["quotes", "app.sock"]);
});

test("agents see the machine's processes, everybody else only its own", async ({ mesh, expect }) => {
  const containers = [...(await mesh.containers())].filter(isLasting);
  const seen = await Promise.all(
    containers.map(async ([, container]) => only(actingAs(container, [{ list: "/proc" }]))),
  );
  const pids = containers.map(([, { State }]) => String(State.Pid));
  for (const [index, [service, container]] of containers.entries()) {
    const processes = (seen[index] ?? "").split(" ").filter((name) => /^\d+$/.test(name));
    const isAgent = service.startsWith("spire-agent-");
    expect(container.HostConfig.PidMode, service).toBe(isAgent ? "host" : "");
    if (isAgent) expect(processes, service).toEqual(expect.arrayContaining(pids));
    // Its own, the attacker's, and those of a health check.
    else expect(processes.length, service).toBeLessThan(8);
  }
});

test("an agent, which sees processes, may do nothing to them", async ({ mesh, expect }) => {
  const agent: Inspected = await mesh.container("spire-agent-broker");
  const { State } = await mesh.container("spire-server-broker");
  const attempts = [
    { read: `/proc/${State.Pid}/environ` },
    { list: `/proc/${State.Pid}/root/` },
    { list: `/proc/${State.Pid}/fd` },
    { kill: State.Pid },
    { read: `/proc/${State.Pid}/status` },
  ];
  const [environment, root, files, killed, status] = await actingAs(agent, attempts);
  expect([environment, root, files, killed]).toEqual(["EACCES", "EACCES", "EACCES", "EPERM"]);
  expect(status).toContain("Uid:");
});
