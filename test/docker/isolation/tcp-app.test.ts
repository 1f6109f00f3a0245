// An app that can only do TCP shares its sidecar's network and process namespaces, and gets nothing else by it.

import { shipped } from "../../e2e/description.ts";
import { inside } from "../attacker.ts";
import { composeMeshTest, type ComposeMesh } from "../compose-mesh.ts";

const test = composeMeshTest({
  description: (port) => {
    const description = shipped(port);
    const { quotes } = description.workloads;
    if (quotes === undefined) throw new Error("the shipped mesh.yaml has no workload quotes");
    quotes.app.listen = "127.0.0.1:8000";
    return description;
  },
});

/** In the process namespace that the three share. */
async function sidecarsPid(mesh: ComposeMesh): Promise<number> {
  const quotes = await mesh.container("quotes");
  const [all = ""] = await inside(quotes, [{ list: "/proc" }]);
  const pids = all.split(" ").filter((name) => /^\d+$/.test(name));
  const commands = await inside(
    quotes,
    pids.map((pid) => ({ read: `/proc/${pid}/cmdline` })),
  );
  const index = commands.findIndex((command) => command.startsWith("envoy\0"));
  return Number(pids[index]);
}

test("it shares the namespaces of who holds them, and listens on loopback there", async ({ mesh, expect }) => {
  const holder = `container:${(await mesh.container("quotes-network")).Id}`;
  for (const service of ["quotes", "quotes-sidecar"]) {
    const { HostConfig } = await mesh.container(service);
    expect(HostConfig, service).toMatchObject({ NetworkMode: holder, PidMode: holder });
  }
  const quotes = await mesh.container("quotes");
  const attempts = [{ connect: { host: "127.0.0.1", port: 8000 } }, { interfaces: true as const }];
  expect(await inside(quotes, attempts)).toEqual(["connected", "lo eth0"]);
});

test("it sees its sidecar's process and may neither look into it nor end it", async ({ mesh, expect }) => {
  const pid = await sidecarsPid(mesh);
  expect(pid).toBeGreaterThan(1);
  const quotes = await mesh.container("quotes");
  const attempts = [
    { list: `/proc/${pid}/root/` },
    { list: `/proc/${pid}/fd` },
    { read: `/proc/${pid}/environ` },
    { read: `/proc/${pid}/mem` },
    { kill: pid },
  ];
  const refused = ["EACCES", "EACCES", "EACCES", "EACCES", "EPERM"];
  expect(await inside(quotes, attempts)).toEqual(refused);
  const { Config } = await mesh.container("quotes-sidecar");
  const [root, files, , , killed] = await inside(quotes, attempts, { user: Config.User });
  expect({ root: root?.includes("etc"), files: files?.split(" ").includes("0"), killed }).toEqual({
    root: true,
    files: true,
    killed: "true",
  });
});

test("there is no SVID, no admin interface and no server to be had", async ({ mesh, expect }) => {
  const quotes = await mesh.container("quotes");
  const paths = [
    "/run/mesh/spire-agent-stockmarket/public/agent.sock",
    "/run/mesh/quotes-sidecar/admin/admin.sock",
    "/run/mesh/spire-server-stockmarket/api.sock",
  ].map((path) => ({ connect: { path } }));
  expect(await inside(quotes, paths)).toEqual(["ENOENT", "ENOENT", "ENOENT"]);
  expect(quotes.Mounts.map(({ Name = "" }) => Name.replace(`${mesh.name}_`, ""))).toEqual([]);
  const server = await mesh.container("spire-server-stockmarket");
  const api = server.NetworkSettings.Networks[`${mesh.name}_stockmarket-internal`]?.IPAddress ?? "";
  const admin = [9901, 15_000, 19_000].map((port) => ({ connect: { host: "127.0.0.1", port } }));
  const [apiEnding, ...adminEndings] = await inside(quotes, [{ connect: { host: api, port: 8081 } }, ...admin]);
  expect(apiEnding).toMatch(/^(?:ENETUNREACH|EHOSTUNREACH|timeout)$/);
  expect(adminEndings).toEqual(admin.map(() => "ECONNREFUSED"));
});
