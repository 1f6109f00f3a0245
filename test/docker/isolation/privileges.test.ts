// What a process in a container may do to its machine: nothing that root could, no file but its own sockets. As the engine
// says, and as somebody finds who got into one.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { actingAs, asRootOfTheHost, inside, nodeImage, only, outside } from "../attacker.ts";
import { composeMeshTest, type ComposeMesh } from "../compose-mesh.ts";
import { groupsOf, type Inspected, isLasting } from "../inspected.ts";

const test = composeMeshTest();

async function lastingOf(mesh: ComposeMesh): Promise<[string, Inspected][]> {
  return [...(await mesh.containers())].filter(isLasting);
}

/** /proc/PID/status of every lasting container, as the machine shows it. */
async function statusesOf(mesh: ComposeMesh): Promise<{ service: string; field: (key: string) => string }[]> {
  const lasting = await lastingOf(mesh);
  const texts = await asRootOfTheHost(lasting.map(([, { State }]) => ({ read: `/proc/${State.Pid}/status` })));
  return lasting.map(([service], index) => ({
    service,
    field: (key) => fieldOf(texts[index] ?? "", key),
  }));
}

function fieldOf(status: string, key: string): string {
  return new RegExp(`^${key}:\\s+(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
}

const capabilities = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
const noCapability = "0000000000000000";

test("no container is privileged or shares what is the machine's", async ({ mesh, expect }) => {
  for (const [service, { HostConfig }] of await mesh.containers()) {
    expect(HostConfig, service).toMatchObject({
      Privileged: false,
      CapAdd: null,
      CapDrop: ["ALL"],
      SecurityOpt: expect.arrayContaining(["no-new-privileges:true"]),
      ReadonlyRootfs: true,
      IpcMode: "private",
      UTSMode: "",
      UsernsMode: "",
    });
    expect(HostConfig.SecurityOpt?.join(" "), service).not.toContain("unconfined");
    expect(HostConfig.Devices ?? [], service).toEqual([]);
    expect(HostConfig.NetworkMode, service).not.toBe("host");
  }
});

test("no process has a capability, nor has root in its container", async ({ mesh, expect }) => {
  for (const { service, field } of await statusesOf(mesh)) {
    for (const set of capabilities) expect(field(set), `${service} ${set}`).toBe(noCapability);
    // Docker's default filter of system calls.
    expect(field("Seccomp"), service).toBe("2");
  }
  const broker = await mesh.container("broker");
  const attempts = [{ become: 0 }, { giveAway: "/tmp/given", to: 1 }];
  expect(await inside(broker, attempts)).toEqual(["EPERM", "EPERM"]);
  const asRoot = [{ giveAway: "/tmp/given", to: 1 }, { become: 1 }];
  expect(await inside(broker, asRoot, { user: "0:0" })).toEqual(["EPERM", "EPERM"]);
  expect(await outside(["--network", "none", "--user", "0:0"], asRoot)).toEqual(["given", "is 1"]);
});

test("a program that becomes root for everybody does not in a container of the mesh", async ({
  mesh,
  expect,
  onTestFinished,
}) => {
  for (const { service, field } of await statusesOf(mesh)) expect(field("NoNewPrivs"), service).toBe("1");
  const image = `${mesh.name}:setuid`;
  const dir = join(mesh.dir, "setuid");
  await mkdir(dir);
  await writeFile(join(dir, "Dockerfile"), `FROM ${nodeImage}\nRUN install -m 4755 /usr/bin/id /usr/bin/id-as-root\n`);
  const { docker } = mesh;
  onTestFinished(async () => void (await docker("image", "rm", "--force", image)));
  await docker("build", "--quiet", "--network", "none", "--tag", image, dir);
  const override = join(dir, "override.yml");
  await writeFile(override, `services: { broker: { image: "${image}" } }\n`);
  const files = ["--file", join(mesh.dir, "docker-compose.yml"), "--file", override];
  const ask = ["--entrypoint", "/usr/bin/id-as-root"];
  const { Config } = await mesh.container("broker");
  expect(await docker("run", "--rm", "--network", "none", "--user", Config.User, ...ask, image, "-u")).toBe("0");
  const words = ["run", "--rm", "--no-deps", "--no-TTY", ...ask, "broker", "-u"];
  expect(`${await docker("compose", ...files, ...words)}:${Config.User.split(":")[1]}`).toBe(Config.User);
});

test("each process has a user and a group of its own, nobody is root", async ({ mesh, expect }) => {
  const users = (await lastingOf(mesh)).map(([, { Config }]) => Config.User);
  expect(new Set(users).size).toBe(users.length);
  const lasting = new Map(await lastingOf(mesh));
  for (const { service, field } of await statusesOf(mesh)) {
    const container = lasting.get(service);
    if (container === undefined) throw new Error(`${service} has no container`);
    const [uid = "", gid = ""] = container.Config.User.split(":");
    expect(Number(uid), service).toBeGreaterThan(60_000);
    expect(field("Uid").split("\t"), service).toEqual([uid, uid, uid, uid]);
    expect(field("Gid").split("\t"), service).toEqual([gid, gid, gid, gid]);
    expect(
      field("Groups")
        .split(" ")
        .filter((group) => group !== gid),
      service,
    ).toEqual(groupsOf(container));
  }
});

test("who gets at another's volumes is stopped by its user", async ({ mesh, expect }) => {
  const server = await mesh.container("spire-server-broker");
  const attempts = [
    { connect: { path: "/run/mesh/spire-server-broker/api.sock" } },
    { read: "/var/lib/mesh/data/spire-server-broker/keys.json" },
  ];
  const { Config: app } = await mesh.container("broker");
  expect(await actingAs(server, attempts, { user: app.User })).toEqual(["EACCES", "EACCES"]);
  const [connected, keys] = await actingAs(server, attempts);
  expect(connected).toBe("connected");
  expect(keys).toContain("keys");
});

test("nothing can be written but small folders in memory, and volumes", async ({ mesh, expect }) => {
  const lasting = await lastingOf(mesh);
  for (const [service, { HostConfig }] of lasting)
    for (const options of Object.values(HostConfig.Tmpfs ?? {}))
      expect(options.split(","), service).toEqual(expect.arrayContaining(["size=1m", "nosuid", "nodev", "noexec"]));
  const roots = lasting.flatMap(([, { State }]) =>
    ["", "/etc", "/etc/mesh"].map((folder) => ({ write: `/proc/${State.Pid}/root${folder}/attempt` })),
  );
  // Not even by root of the machine, who goes the way of the container's processes.
  const endings = await asRootOfTheHost(roots);
  for (const [index, ending] of endings.entries())
    expect(["EROFS", "ENOENT"], JSON.stringify(roots[index])).toContain(ending);
  expect(endings.filter((ending) => ending === "EROFS").length).toBeGreaterThanOrEqual(2 * lasting.length);
  const writable = lasting.flatMap(([, { State, Mounts, HostConfig }]) =>
    [
      ...Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination),
      ...Object.keys(HostConfig.Tmpfs ?? {}),
    ].map((folder) => ({ write: `/proc/${State.Pid}/root${folder}/attempt` })),
  );
  expect(writable.length).toBeGreaterThan(lasting.length / 2);
  expect(new Set(await asRootOfTheHost(writable))).toEqual(new Set(["written"]));
});

test("an app writes neither into its image nor much anywhere else", async ({ mesh, expect }) => {
  const attempts = [
    { write: "/mesh/apps/attempt" },
    { write: "/dev/shm/attempt" },
    { write: "/tmp/attempt" },
    { write: "/tmp/attempt", bytes: 2 ** 21 },
    { write: "/run/mesh/broker/attempt", bytes: 2 ** 21 },
  ];
  expect(await inside(await mesh.container("broker"), attempts)).toEqual([
    "EROFS",
    "written",
    "written",
    "ENOSPC",
    "ENOSPC",
  ]);
  expect(await only(outside(["--network", "none"], [{ write: "/tmp/attempt", bytes: 2 ** 21 }]))).toBe("written");
});
