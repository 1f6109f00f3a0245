import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { buildSpire, goEnvironment } from "../../../scripts/tools/spire-build.ts";
import { tempDir } from "../runtime/temp-dir.ts";
import { pathWith } from "./docker/fake-programs.ts";

const base = { dir: "/cache/build/spire", goVersion: "1.26.8", required: "1.26.6", cCompiler: "gcc", env: {} } as const;

test("everything Go writes goes into the build's folder", ({ expect }) => {
  expect(goEnvironment({ ...base, env: { HOME: "/home/a", GOPATH: "/home/a/go" } })).toMatchObject({
    GOBIN: "/cache/build/spire/bin",
    GOMODCACHE: "/cache/build/spire/modules",
    GOCACHE: "/cache/build/spire/cache",
    GOTMPDIR: "/cache/build/spire/tmp",
    TMPDIR: "/cache/build/spire/tmp",
    XDG_CONFIG_HOME: "/cache/build/spire/config",
    GOENV: "/home/a/.config/go/env",
  });
});

test("the user's proxies and Go's own settings are passed on; what would build something else is not", ({ expect }) => {
  const env = {
    HTTPS_PROXY: "http://proxy.example:3128",
    NO_PROXY: "localhost",
    GOPROXY: "https://go.example",
    GONOSUMDB: "go.example/*",
    GOFLAGS: "-mod=vendor",
    GOWORK: "/home/a/go.work",
    GOOS: "windows",
    GOARCH: "386",
  };
  const made = goEnvironment({ ...base, env });
  expect(made).toMatchObject({
    HTTPS_PROXY: env.HTTPS_PROXY,
    NO_PROXY: env.NO_PROXY,
    GOPROXY: env.GOPROXY,
    GONOSUMDB: env.GONOSUMDB,
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false -modcacherw",
    GOWORK: "off",
  });
  expect(made).not.toHaveProperty("GOOS");
  expect(made).not.toHaveProperty("GOARCH");
});

test("an older Go fetches the toolchain that go.mod asks for; a newer one builds itself", ({ expect }) => {
  expect(goEnvironment({ ...base, goVersion: "1.24.4" })["GOTOOLCHAIN"]).toBe("go1.26.6");
  expect(goEnvironment({ ...base, goVersion: "1.26.6" })["GOTOOLCHAIN"]).toBe("local");
  expect(goEnvironment({ ...base, goVersion: "1.27.0" })["GOTOOLCHAIN"]).toBe("local");
});

test("the compiler spares memory where there is little, and obeys the user", ({ expect }) => {
  expect(goEnvironment({ ...base, freeMemory: 2e9 })["GOGC"]).toBe("100");
  expect(goEnvironment({ ...base, freeMemory: 16e9 })["GOGC"]).toBe("400");
  expect(goEnvironment({ ...base, freeMemory: 16e9, env: { GOGC: "50" } })["GOGC"]).toBe("50");
});

test("an interrupted build goes on with what it has downloaded and compiled, and leaves its scraps", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  for (const folder of ["modules", "cache", "tmp"]) {
    await mkdir(join(dir, folder));
    await writeFile(join(dir, folder, "from before"), "");
  }
  const go = `case "$1" in list) echo unsafe; echo main;; install) : > "$GOBIN/spire-server";; *) exit 9;; esac`;
  const PATH = `${await pathWith(dir, { go })}:${process.env["PATH"] ?? ""}`;
  const { signal } = new AbortController();
  const options = { ...base, dir, version: "1.15.3", env: { PATH }, report: () => {}, signal };
  expect(await readdir(await buildSpire(options))).toEqual(["spire-server"]);
  for (const folder of ["modules", "cache"]) expect(await readdir(join(dir, folder))).toEqual(["from before"]);
  expect(await readdir(join(dir, "tmp"))).toEqual([]);
});
