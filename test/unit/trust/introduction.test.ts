import { execFileSync } from "node:child_process";
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test } from "vitest";

import type { HeldBundle } from "../../../scripts/trust/server-types.ts";
import { publishBundle, readBundleFile } from "../../../scripts/trust/introduction.ts";
import { oddAuthority } from "../../odd-authorities.ts";
import { authority } from "./fixtures.ts";

const sound: HeldBundle = {
  trustDomain: "broker.example",
  x509Authorities: [authority],
  jwtAuthorities: [],
  taintedX509Authorities: [],
  sequence: 1,
};

async function inFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-introduction-"));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test("the own bundle is written whole, readable for everyone, and left alone while it is right", async ({ expect }) => {
  await inFolder(async (dir) => {
    const file = join(dir, "bundle.json");
    await publishBundle({ bundle: async () => sound }, file);
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({
      keys: [{ use: "x509-svid" }],
      spiffe_sequence: 1,
    });
    const first = await stat(file);
    expect(first.mode & 0o777).toBe(0o644);
    await publishBundle({ bundle: async () => sound }, file);
    expect((await stat(file)).ino).toBe(first.ino);
    await publishBundle({ bundle: async () => ({ ...sound, sequence: 2 }) }, file);
    expect((await stat(file)).ino).not.toBe(first.ino);
    expect(await readdir(dir)).toEqual(["bundle.json"]);
  });
});

test.for([
  ["it has no X.509 authority", []],
  ["X.509 authority 2 is not of version 3", [authority, oddAuthority(authority, "version 1, with extensions")]],
  ["101 X.509 authorities, at most 100 are taken", Array.from({ length: 101 }, () => authority)],
] as const)("an own bundle that no partner takes is not published: %s", async ([why, x509Authorities], { expect }) => {
  await inFolder(async (dir) => {
    const published = publishBundle({ bundle: async () => ({ ...sound, x509Authorities }) }, join(dir, "bundle.json"));
    await expect(published).rejects.toMatchObject({ code: "MESH_BUNDLE_UNUSABLE", details: [why] });
    expect(await readdir(dir)).toEqual([]);
  });
});

test("what lies in place of the own bundle is replaced, and never written through", async ({ expect }) => {
  await inFolder(async (dir) => {
    const [file, foreign] = [join(dir, "bundle.json"), join(dir, "foreign")];
    await writeFile(foreign, "foreign", { mode: 0o600 });
    await symlink(foreign, file);
    await symlink(foreign, `${file}.${process.pid}.new`);
    await publishBundle({ bundle: async () => sound }, file);
    expect((await lstat(file)).isFile()).toBe(true);
    expect(await readFile(foreign, "utf8")).toBe("foreign");
    expect((await stat(foreign)).mode & 0o777).toBe(0o600);
    await rm(file);
    execFileSync("mkfifo", [file]);
    await publishBundle({ bundle: async () => sound }, file);
    expect((await lstat(file)).isFile()).toBe(true);
  });
});

test("a partner that has not introduced itself has no bundle", async ({ expect }) => {
  await inFolder(async (dir) => {
    expect(await readBundleFile(join(dir, "nothing.json"), "a.example")).toBeUndefined();
  });
});

test("an introduction without an X.509 authority is refused", async ({ expect }) => {
  await inFolder(async (dir) => {
    const file = join(dir, "bundle.json");
    await writeFile(file, '{"keys":[]}');
    await expect(readBundleFile(file, "a.example")).rejects.toMatchObject({
      code: "MESH_INPUT_INVALID",
      message: `${file} is not a bundle document of a.example`,
      details: ["it has no X.509 authority"],
    });
  });
});

// A partner writes this file: it must not be able to hang or to fill its reader.
test("what is not a regular file of a bundle's size is refused at once", async ({ expect }) => {
  await inFolder(async (dir) => {
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(readBundleFile(pipe, "a.example")).rejects.toMatchObject({ details: ["it is not a regular file"] });
    await expect(readBundleFile(dir, "a.example")).rejects.toMatchObject({ details: ["it is not a regular file"] });
    const link = join(dir, "link");
    await writeFile(join(dir, "foreign"), '{"keys":[]}');
    await symlink(join(dir, "foreign"), link);
    await expect(readBundleFile(link, "a.example")).rejects.toMatchObject({ details: ["it is not a regular file"] });
    const large = join(dir, "large");
    await writeFile(large, Buffer.alloc(1024 * 1024 + 1, " "));
    await expect(readBundleFile(large, "a.example")).rejects.toMatchObject({
      details: ["it has 1048577 bytes, more than 1048576"],
    });
  });
});
