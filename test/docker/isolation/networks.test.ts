// Who reaches whom over networks: as the engine says, and as somebody finds who got into a container. Each connection that
// fails is made a second time from where it must succeed.

import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";

import { actingAs, inside, nodeImage, only, outside } from "../attacker.ts";
import type { Attempt } from "../attempt.ts";
import { composeMeshTest, type ComposeMesh } from "../compose-mesh.ts";
import type { Inspected } from "../inspected.ts";

const test = composeMeshTest();

const inboundPort = 9443;
const apiPort = 8081;
const bundlePort = 8443;

function addressIn(mesh: ComposeMesh, network: string, { NetworkSettings }: Inspected): string {
  const address = NetworkSettings.Networks[`${mesh.name}_${network}`]?.IPAddress;
  if (address === undefined) throw new Error(`it is not in ${network}`);
  return address;
}

function to(host: string, port: number): Attempt {
  return { connect: { host, port } };
}

/** Where the parts of the mesh listen. */
async function targets(mesh: ComposeMesh) {
  const of = async (service: string, network: string): Promise<string> =>
    addressIn(mesh, network, await mesh.container(service));
  const serverInside = await of("spire-server-broker", "broker-internal");
  return {
    peer: to(await of("quotes-sidecar", "federation"), inboundPort),
    page: to(await of("broker-sidecar", "broker-page"), mesh.place.port),
    bundles: to(await of("spire-server-stockmarket", "federation"), bundlePort),
    server: to(serverInside, apiPort),
    partnersServer: to(await of("spire-server-stockmarket", "stockmarket-internal"), apiPort),
    agent: to(await of("spire-agent-broker", "broker-internal"), 8083),
  };
}

const unreachable = /^(?:ENETUNREACH|EHOSTUNREACH|timeout)$/;

test("a network per trust domain and one between them are internal, one more is that of a page", async ({
  mesh,
  expect,
}) => {
  const members = new Map<string, string[]>();
  for (const [service, { NetworkSettings }] of await mesh.containers())
    for (const network of Object.keys(NetworkSettings.Networks))
      members.set(network, [...(members.get(network) ?? []), service]);
  const named = Object.fromEntries(
    [...members].map(([network, services]) => [network.replace(`${mesh.name}_`, ""), services.toSorted()]),
  );
  const without = [
    "broker",
    "quotes",
    ...["keys", "bootstrap"].flatMap((kind) => [`spire-${kind}-broker`, `spire-${kind}-stockmarket`]),
  ];
  expect(named).toEqual({
    none: without.toSorted(),
    "broker-internal": ["controller-broker", "spire-agent-broker", "spire-server-broker"],
    "stockmarket-internal": ["controller-stockmarket", "spire-agent-stockmarket", "spire-server-stockmarket"],
    federation: ["broker-sidecar", "quotes-sidecar", "spire-server-broker", "spire-server-stockmarket"],
    "broker-page": ["broker-sidecar"],
  });
  const networks = Object.keys(named).filter((network) => network !== "none");
  const printed = await mesh.docker("network", "inspect", ...networks.map((network) => `${mesh.name}_${network}`));
  const inspected: readonly { Name: string; Internal: boolean }[] = JSON.parse(printed);
  const open = inspected.filter(({ Internal }) => !Internal).map(({ Name }) => Name);
  expect(open).toEqual([`${mesh.name}_broker-page`]);
});

test("an app has no network: no peer, no server, no name, no machine outside", async ({ mesh, expect }) => {
  using server = await serverOfTheMachine();
  const machine = { connect: { host: machineAddresses()[0] ?? "", port: server.port } };
  const all = [...Object.values(await targets(mesh)), machine];
  for (const app of ["broker", "quotes"]) {
    const container = await mesh.container(app);
    expect(container.HostConfig.NetworkMode).toBe("none");
    expect(await inside(container, [{ interfaces: true }, ...all])).toEqual(["lo", ...all.map(() => "ENETUNREACH")]);
    const names = ["spire-server-broker", "quotes-sidecar", "localhost.example"];
    expect(
      await inside(
        container,
        names.map((resolve) => ({ resolve })),
      ),
    ).toEqual(names.map(() => "EAI_AGAIN"));
  }
  expect(await only(outside([], [machine]))).toBe("connected");
  const controller = await mesh.container("controller-broker");
  expect(await inside(controller, [{ resolve: "spire-server-broker" }])).toEqual([
    addressIn(mesh, "broker-internal", await mesh.container("spire-server-broker")),
  ]);
});

test("trust domains meet at inbound ports and bundle endpoints, nowhere else", async ({ mesh, expect }) => {
  const { peer, bundles, server, partnersServer, agent } = await targets(mesh);
  const all = [peer, bundles, server, partnersServer, agent];
  const reached = async (service: string): Promise<readonly string[]> =>
    (await actingAs(await mesh.container(service), all)).map((ending) => (unreachable.test(ending) ? "-" : ending));
  expect(await reached("broker-sidecar")).toEqual(["connected", "connected", "-", "-", "-"]);
  expect(await reached("controller-broker")).toEqual(["-", "-", "connected", "-", "connected"]);
  expect(await reached("spire-agent-broker")).toEqual(["-", "-", "connected", "-", "connected"]);
  expect(await reached("controller-stockmarket")).toEqual(["-", "-", "-", "connected", "-"]);
  expect(await reached("quotes-sidecar")).toEqual(["connected", "connected", "-", "-", "-"]);
});

test("nobody gets out of an internal network, not even to the machine", async ({ mesh, expect }) => {
  using server = await serverOfTheMachine();
  const gateways = [0, 79, 71].map((third) => `${mesh.subnet}.${third}.1`);
  const attempts = [...machineAddresses(), ...gateways].map((host) => ({ connect: { host, port: server.port } }));
  for (const service of ["quotes-sidecar", "spire-server-broker", "spire-agent-broker", "controller-broker"])
    for (const ending of await actingAs(await mesh.container(service), attempts))
      expect(ending, service).toMatch(unreachable);
});

test("the sidecar with the page reaches the machine that it is published on, and no neighbour's container", async ({
  mesh,
  expect,
}) => {
  using server = await serverOfTheMachine();
  const listening = "net.createServer((socket) => socket.end()).listen(8000)";
  const neighbour = await mesh.docker("run", "--detach", "--rm", "--entrypoint", "node", nodeImage, "-e", listening);
  await using _ended = { [Symbol.asyncDispose]: async () => void (await mesh.docker("kill", neighbour)) };
  const address = await mesh.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", neighbour);
  const attempts = [to(machineAddresses()[0] ?? "", server.port), to(address, 8000)];
  // It has a way to the machine because the machine has one to it (docs/decisions/0009).
  const [machine, container] = await actingAs(await mesh.container("broker-sidecar"), attempts);
  expect(machine).toBe("connected");
  expect(container).toMatch(unreachable);
  expect(await outside([], attempts)).toEqual(["connected", "connected"]);
});

test("the page is on 127.0.0.1 alone, and no other port is on the machine", async ({ mesh, expect }) => {
  const { port } = mesh.place;
  for (const [service, { HostConfig }] of await mesh.containers()) {
    const page = { [`${port}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: String(port) }] };
    expect(HostConfig.PortBindings ?? {}, service).toEqual(service === "broker-sidecar" ? page : {});
  }
  const here = { connect: { host: "127.0.0.1", port } };
  const fromTheMachine = ["--network", "host"];
  const others = machineAddresses().map((host) => ({ connect: { host, port } }));
  expect(others.length).toBeGreaterThan(0);
  expect(await outside(fromTheMachine, [here, ...others])).toEqual(["connected", ...others.map(() => "ECONNREFUSED")]);
  // A neighbour's container, in no network of the mesh.
  const { page } = await targets(mesh);
  expect(await only(outside([], [page]))).toMatch(unreachable);
  expect(await only(outside(fromTheMachine, [page]))).toBe("connected");
});

/** A server of the machine's own, on all its addresses. */
async function serverOfTheMachine(): Promise<{ port: number } & Disposable> {
  const server = createServer((socket) => socket.end());
  await once(server.listen({ host: "0.0.0.0", port: 0 }), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return { port: address.port, [Symbol.dispose]: () => void server.close() };
}

/** Of the machine, but for loopback and the networks of this mesh. */
function machineAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  const found = all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
  if (found.length === 0) throw new Error("this machine has loopback only");
  return found;
}
