import { readlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { test } from "vitest";

import { undo } from "../../../../scripts/tools/docker/engine-traces.ts";
import { installEngine } from "../../../../scripts/tools/docker/install-engine.ts";
import { provideIptables } from "../../../../scripts/tools/docker/iptables.ts";
import { tempDir } from "../../runtime/temp-dir.ts";
import { failing, linesOf, pathWith } from "./fake-programs.ts";

const { signal } = new AbortController();
const report = (): void => {};
/** Where setpriv and the shell are; on some machines docker too, so never where it must not be found. */
const systemPath = "/usr/bin:/bin";

test("only the packages of missing programs are installed, without what they recommend", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  const calls = join(dir, "calls");
  // A setpriv of its own: where the machine's is there may be an iptables too.
  const setpriv = 'shift 3; exec "$@"';
  const PATH = await pathWith(dir, { "apt-get": `echo "$@" >> '${calls}'`, setpriv, docker: "", dockerd: "", ip: "" });
  await installEngine({ env: { PATH }, report, signal });
  const flags = "-q -o DPkg::Lock::Timeout=120";
  await expect(linesOf(calls)).resolves.toEqual([
    `${flags} update`,
    `${flags} install --yes --no-install-recommends iptables`,
  ]);
});

test("nothing is installed where nothing is missing", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const programs = { docker: "", dockerd: "", ip: "", iptables: "", "apt-get": "exit 1" };
  const PATH = await pathWith(dir, programs);
  await expect(installEngine({ env: { PATH }, report, signal })).resolves.toBeUndefined();
});

test("a machine without apt-get is told what it lacks", async ({ expect, onTestFinished }) => {
  const PATH = await pathWith(await tempDir(onTestFinished), { docker: "" });
  await expect(installEngine({ env: { PATH }, report, signal })).rejects.toMatchObject({
    code: "MESH_PREREQUISITE",
    details: ["missing: docker.io, iptables, iproute2"],
  });
});

test("where the kernel lacks nftables, dockerd finds the legacy iptables", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const broken = failing("iptables: Failed to initialize nft: Protocol not supported");
  const own = await pathWith(dir, { iptables: broken, "iptables-nft": broken, "iptables-legacy": "exit 0" });
  await pathWith(dir, { "iptables-legacy-save": "exit 0" });
  const PATH = [own, systemPath].join(delimiter);
  const names = join(dir, "names");
  await expect(provideIptables({ env: { PATH }, dir: names, signal })).resolves.toBe([names, PATH].join(delimiter));
  await expect(readlink(join(names, "iptables"))).resolves.toBe(join(own, "iptables-legacy"));
  await expect(readlink(join(names, "iptables-save"))).resolves.toBe(join(own, "iptables-legacy-save"));
});

test("an iptables that works is left as it is", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const PATH = [await pathWith(dir, { iptables: "exit 0" }), systemPath].join(delimiter);
  await expect(provideIptables({ env: { PATH }, dir: join(dir, "names"), signal })).resolves.toBe(PATH);
});

test("a kernel without any iptables is told with the words of each", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const programs = {
    iptables: failing("no nft"),
    "iptables-nft": failing("no nft"),
    "iptables-legacy": failing("no ip"),
  };
  const PATH = [await pathWith(dir, programs), systemPath].join(delimiter);
  await expect(provideIptables({ env: { PATH }, dir: join(dir, "names"), signal })).rejects.toMatchObject({
    code: "MESH_PREREQUISITE",
    details: ["iptables: no nft", "iptables-nft: no nft", "iptables-legacy: no ip"],
  });
});

test("Docker's chains and the rules that lead to them are undone, those of others are left", ({ expect }) => {
  const before = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", "-A INPUT -i docker0 -j DROP", "COMMIT"];
  const now = [
    "*filter",
    ":INPUT ACCEPT [7:420]",
    ":FORWARD DROP [0:0]",
    ":DOCKER - [0:0]",
    ":DOCKER-USER - [0:0]",
    "-A INPUT -i docker0 -j DROP",
    "-A INPUT -p tcp -j LOG",
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT",
    "-A DOCKER-USER -j RETURN",
    "COMMIT",
  ];
  expect(undo("filter", now, before)).toBe(
    `${[
      "*filter",
      ":FORWARD ACCEPT [0:0]",
      "-D FORWARD -j DOCKER-USER",
      "-D FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT",
      "-F DOCKER",
      "-F DOCKER-USER",
      "-X DOCKER",
      "-X DOCKER-USER",
      "COMMIT",
    ].join("\n")}\n`,
  );
  expect(undo("filter", before, before)).toBeUndefined();
  expect(undo("filter", now, now)).toBeUndefined();
});
