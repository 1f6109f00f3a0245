import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, readlink, symlink, writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { test } from "vitest";

import { writeImageArchive } from "../../../scripts/tools/docker/stand-ins/image-archive.ts";
import {
  folder,
  link,
  parseLdd,
  takeFile,
  takeFolder,
  withParents,
} from "../../../scripts/tools/docker/stand-ins/machine-files.ts";
import { root, tarSize, textFile, writeTar } from "../../../scripts/tools/docker/stand-ins/tar.ts";
import { tempDir } from "../../unit/runtime/temp-dir.ts";

const exec = promisify(execFile);
const user = { uid: 1000, gid: 70_000 };

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* hello(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("hello");
}

test("tar(1) reads what was written: owners, modes, links, empty files and long paths", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  const long = `${"folder-with-a-long-name/".repeat(6)}file-with-a-name-that-takes-the-path-over-two-hundred-bytes`;
  const entries = [
    folder("tmp", { mode: 0o1777 }),
    textFile("tmp/a", "hello\n", { mode: 0o4755, owner: user }),
    textFile("tmp/empty", "", { mode: 0o600, owner: root }),
    link("lib", "usr/lib"),
    textFile(long, "x".repeat(512), { mode: 0o644, owner: root }),
  ];
  const bytes = await bytesOf(writeTar(entries));
  expect(bytes.length).toBe(tarSize(entries));
  await writeFile(join(dir, "made.tar"), bytes);
  const { stdout } = await exec("tar", ["-tvf", join(dir, "made.tar"), "--numeric-owner", "--utc"]);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replaceAll(/ +/g, " ")),
  ).toEqual([
    "drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/",
    "-rwsr-xr-x 1000/70000 6 1970-01-01 00:00 tmp/a",
    "-rw------- 0/0 0 1970-01-01 00:00 tmp/empty",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 lib -> usr/lib",
    `-rw-r--r-- 0/0 512 1970-01-01 00:00 ${long}`,
  ]);
  const { stdout: content } = await exec("tar", ["-xOf", join(dir, "made.tar"), "tmp/a"]);
  expect(content).toBe("hello\n");
});

test("a file that is not as large as it was is noticed, and a path that no tar can hold", async ({ expect }) => {
  const entry = { kind: "file", path: "a", mode: 0o644, owner: root, size: 4, content: hello, identity: "" } as const;
  await expect(bytesOf(writeTar([entry]))).rejects.toThrow("a has 5 bytes, not 4");
  await expect(bytesOf(writeTar([folder("x".repeat(300))]))).rejects.toThrow("a tar cannot hold the path");
});

test("an image archive names its layer by the checksum of its bytes, and is the same every time", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  const config = { Env: ["A=b"], Entrypoint: ["/a"], Labels: { "stand-in": "1" } };
  const entries = [textFile("a", "hello\n", { mode: 0o755, owner: root })];
  const image = { name: "example.org/a:1", architecture: "amd64", config, entries } as const;
  await pipeline(Readable.from(writeImageArchive(image)), createWriteStream(join(dir, "image.tar")));
  await exec("tar", ["-xf", join(dir, "image.tar"), "-C", dir]);
  const manifest: unknown = JSON.parse(await readFile(join(dir, "manifest.json"), "utf8"));
  const configFile = (await exec("sh", ["-c", `cd '${dir}' && ls | grep -E '^[0-9a-f]{64}[.]json$'`])).stdout.trim();
  expect(manifest).toEqual([{ Config: configFile, RepoTags: ["example.org/a:1"], Layers: ["layer.tar"] }]);
  const layer = createHash("sha256")
    .update(await readFile(join(dir, "layer.tar")))
    .digest("hex");
  const described = await readFile(join(dir, configFile), "utf8");
  expect(createHash("sha256").update(described).digest("hex")).toBe(configFile.replace(".json", ""));
  expect(JSON.parse(described)).toMatchObject({
    architecture: "amd64",
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
  });
  const [first, second] = [await bytesOf(writeImageArchive(image)), await bytesOf(writeImageArchive(image))];
  expect(first.equals(second)).toBe(true);
});

test("ldd's output names the libraries and the loader; a missing library is an error", ({ expect }) => {
  const output = `
	linux-vdso.so.1 (0x00007f09b66e1000)
	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f09af520000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f09b66e3000)
`;
  expect(parseLdd(output)).toEqual(["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
  expect(parseLdd("\tstatically linked\n")).toEqual([]);
  expect(() => parseLdd("\tlibx.so.1 => not found\n")).toThrow("libx.so.1 was not found");
});

test("folders are added before what they hold, once, and given ones keep their owners", ({ expect }) => {
  const file = textFile("run/spire/server/a", "", { mode: 0o644, owner: root });
  const given = folder("run/spire", { owner: user, mode: 0o750 });
  const entries = withParents([file, given, file]);
  expect(entries.map(({ path }) => path)).toEqual(["run", "run/spire", "run/spire/server", "run/spire/server/a"]);
  expect(entries[1]).toEqual(given);
  expect(entries[2]).toEqual(folder("run/spire/server"));
});

test("a folder of this machine is taken as root's, its links as links", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  await mkdir(join(dir, "bin"));
  await writeFile(join(dir, "bin/a"), "#!/bin/sh\n", { mode: 0o700 });
  await writeFile(join(dir, "b"), "", { mode: 0o600 });
  await symlink("bin/a", join(dir, "c"));
  const taken = await takeFolder({ from: dir, path: "usr/local" });
  expect(taken).toMatchObject([
    { kind: "folder", path: "usr/local", mode: 0o755, owner: root },
    { kind: "file", path: "usr/local/b", mode: 0o644, owner: root, size: 0 },
    { kind: "folder", path: "usr/local/bin", mode: 0o755, owner: root },
    { kind: "file", path: "usr/local/bin/a", mode: 0o755, owner: root, size: 10 },
    { kind: "link", path: "usr/local/c", target: "bin/a" },
  ]);
  // A program that is named by a link is taken, not the link.
  await expect(takeFile({ from: join(dir, "c"), path: "a" })).resolves.toMatchObject({ kind: "file", size: 10 });
  await expect(readlink(join(dir, "c"))).resolves.toBe("bin/a");
});
