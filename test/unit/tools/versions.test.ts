import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { buildModuleDir } from "../../../scripts/tools/spire-build.ts";
import { compareVersions, parseToolVersion, versions } from "../../../scripts/tools/versions.ts";
import packageFile from "../../../package.json" with { type: "json" };
import { versionOutput } from "./fake-tools.ts";

test("Envoy's version stands between slashes, SPIRE's alone on its line", ({ expect }) => {
  expect(parseToolVersion(versionOutput("envoy", "1.40.0"))).toBe("1.40.0");
  expect(parseToolVersion("envoy  version: 0/1.40.0-dev/Modified/DEBUG/BoringSSL")).toBe("1.40.0-dev");
  expect(parseToolVersion("1.15.3\n")).toBe("1.15.3");
  expect(parseToolVersion("1.15.3-dev-unk\n")).toBe("1.15.3-dev-unk");
  expect(parseToolVersion("GNU coreutils 9.1")).toBeUndefined();
});

test("versions compare as numbers, not as text", ({ expect }) => {
  expect(compareVersions("1.9.0", "1.10.0")).toBeLessThan(0);
  expect(compareVersions("1.26", "1.26.0")).toBe(0);
  expect(compareVersions("24.12.1", "24.12.0")).toBeGreaterThan(0);
});

test("the Go module builds the SPIRE of versions.json, and go.sum pins it", async ({ expect }) => {
  const [goMod, goSum] = await Promise.all(
    ["go.mod", "go.sum"].map((name) => readFile(join(buildModuleDir, name), "utf8")),
  );
  expect(goMod).toContain(`\nrequire github.com/spiffe/spire v${versions.spire.version}\n`);
  expect(goSum).toContain(`github.com/spiffe/spire v${versions.spire.version} h1:`);
});

test("package.json asks for the oldest Node of versions.json", ({ expect }) => {
  expect(`${packageFile.engines.node}.0`).toBe(`>=${versions.node.minimum}`);
});
