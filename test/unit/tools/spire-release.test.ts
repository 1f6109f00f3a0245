import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";

import { openRelease, parseChecksum, unpackRelease } from "../../../scripts/tools/spire-release.ts";
import { sha256Of } from "../../../scripts/tools/record.ts";
import { tempDir } from "../runtime/temp-dir.ts";
import { writeFakeTool } from "./fake-tools.ts";

const version = "1.15.3";
const name = `spire-${version}-linux-amd64-musl`;
const { signal } = new AbortController();

interface Served {
  readonly url: string;
  readonly requested: string[];
}

/** Serves files by their names, as the release page does; everything else is 404. */
async function serve(
  files: ReadonlyMap<string, Buffer | string>,
  clean: Parameters<typeof tempDir>[0],
): Promise<Served> {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(request.url ?? "");
    const body = files.get((request.url ?? "").slice(1));
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  return { url: await listen(server, clean), requested };
}

/** A proxy that refuses, and remembers for whom it was asked. */
async function serveProxy(
  clean: Parameters<typeof tempDir>[0],
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(403).end();
  });
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  return { url: await listen(proxy, clean), asked };
}

async function listen(server: Server, clean: Parameters<typeof tempDir>[0]): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  clean(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

async function makeArchive(dir: string): Promise<{ readonly bytes: Buffer; readonly sha256: string }> {
  for (const program of ["spire-server", "spire-agent", "other"]) {
    await writeFakeTool(join(dir, `spire-${version}/bin`), program, version);
  }
  const file = join(dir, "archive.tar.gz");
  await promisify(execFile)("tar", ["-czf", file, "-C", dir, `spire-${version}`]);
  return { bytes: await readFile(file), sha256: await sha256Of(file) };
}

test("a release is downloaded, checked and unpacked", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const { bytes, sha256 } = await makeArchive(join(dir, "made"));
  const files = new Map([
    [`${name}_sha256sum.txt`, `${sha256}  ${name}.tar.gz\n`],
    [`${name}.tar.gz`, bytes],
  ] as [string, Buffer | string][]);
  const { url } = await serve(files, onTestFinished);
  await using release = await openRelease({ version, architecture: "amd64", env: {}, signal, url });
  if (release === undefined) throw new Error("no release was found");
  const bin = await unpackRelease(release, {
    version,
    dir: join(dir, "work"),
    env: process.env,
    report: () => {},
    signal,
  });
  expect((await readdir(bin)).toSorted()).toEqual(["spire-agent", "spire-server"]);
});

test("an archive that differs from its published checksum is refused with both", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const { bytes, sha256 } = await makeArchive(join(dir, "made"));
  const published = "0".repeat(64);
  const files = new Map<string, Buffer | string>();
  files.set(`${name}_sha256sum.txt`, `${published}  ${name}.tar.gz\n`).set(`${name}.tar.gz`, bytes);
  const { url } = await serve(files, onTestFinished);
  await using release = await openRelease({ version, architecture: "amd64", env: {}, signal, url });
  if (release === undefined) throw new Error("no release was found");
  const options = { version, dir: join(dir, "work"), env: process.env, report: () => {}, signal };
  await expect(unpackRelease(release, options)).rejects.toMatchObject({
    code: "MESH_TOOL_FETCH",
    details: [`published SHA-256: ${published}`, `of what arrived:   ${sha256}`],
  });
});

test("where nothing listens, or the release is not there, there is no release", async ({ expect, onTestFinished }) => {
  const closed = { version, architecture: "amd64", env: {}, signal, url: "http://127.0.0.1:1" } as const;
  expect(await openRelease(closed)).toBeUndefined();
  const { url, requested } = await serve(new Map(), onTestFinished);
  expect(await openRelease({ ...closed, architecture: "arm64", url })).toBeUndefined();
  expect(requested).toEqual([`/spire-${version}-linux-arm64-musl_sha256sum.txt`]);
});

test("the user's proxy is asked, except for the hosts that need none", async ({ expect, onTestFinished }) => {
  const { url, asked } = await serveProxy(onTestFinished);
  const source = { version, architecture: "amd64", signal, url: "http://releases.invalid" } as const;
  expect(await openRelease({ ...source, env: { HTTP_PROXY: url, NO_PROXY: "releases.invalid" } })).toBeUndefined();
  expect(asked).toEqual([]);
  expect(await openRelease({ ...source, env: { HTTP_PROXY: url } })).toBeUndefined();
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain("releases.invalid");
});

test("the checksum is that of the archive's line", ({ expect }) => {
  const text = `${"a".repeat(64)}  other.tar.gz\n${"b".repeat(64)}  x.tar.gz\n`;
  expect(parseChecksum(text, "x.tar.gz")).toBe("b".repeat(64));
  expect(parseChecksum(text, "y.tar.gz")).toBeUndefined();
  expect(parseChecksum("<html>blocked</html>", "x.tar.gz")).toBeUndefined();
});
