// Gets SPIRE from its official release on GitHub, where that host answers: the archive, checked against the checksum
// file published beside it. Names of both: .github/workflows/scripts/build_linux_artifacts.sh in spiffe/spire.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import { EnvHttpProxyAgent, type Response, fetch } from "undici";

import { MeshError, messageOf } from "../errors.ts";
import type { Report } from "../events.ts";
import { describeBytes, reportSteadily } from "./build-progress.ts";
import { diskFull, runToSuccess } from "./child.ts";
import type { Architecture } from "./versions.ts";

export interface ReleaseSource {
  readonly version: string;
  readonly architecture: Architecture;
  /** Its HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, in either case. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Another place that serves the same files, for tests. */
  readonly url?: string;
}

/** A release whose archive has begun to arrive. Disposing of it closes the connection. */
export interface Release extends AsyncDisposable {
  readonly sha256: string;
  readonly size: number | undefined;
  readonly archive: Response;
}

/** A host that does not answer must not hold up the build that comes instead. */
const connectMs = 3000;
const answerMs = 10_000;
/** Of silence in the middle of the archive. */
const stallMs = 30_000;

/** Begins to download the release; undefined where its host cannot be reached or does not have it. */
export async function openRelease(source: ReleaseSource): Promise<Release | undefined> {
  const { version, architecture, env, signal, url } = source;
  const base = url ?? `https://github.com/spiffe/spire/releases/download/v${version}`;
  const name = `spire-${version}-linux-${architecture}-musl`;
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: env["http_proxy"] ?? env["HTTP_PROXY"] ?? "",
    httpsProxy: env["https_proxy"] ?? env["HTTPS_PROXY"] ?? "",
    noProxy: env["no_proxy"] ?? env["NO_PROXY"] ?? "",
    connect: { timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: stallMs,
  });
  const close = (): Promise<void> => dispatcher.destroy();
  try {
    const checksums = await fetch(`${base}/${name}_sha256sum.txt`, { dispatcher, signal });
    const sha256 = checksums.ok ? parseChecksum(await checksums.text(), `${name}.tar.gz`) : undefined;
    const archive = sha256 === undefined ? undefined : await fetch(`${base}/${name}.tar.gz`, { dispatcher, signal });
    if (sha256 !== undefined && archive?.ok === true) {
      const size = Number(archive.headers.get("content-length") ?? 0);
      return { sha256, size: size > 0 ? size : undefined, archive, [Symbol.asyncDispose]: close };
    }
  } catch {
    // No route, no name, a refusal, a proxy's page: whatever it is, the registries come next.
  }
  await close();
  signal.throwIfAborted();
  return undefined;
}

/** The checksum of a file from the output of `shasum -a 256`. */
export function parseChecksum(text: string, file: string): string | undefined {
  const line = text.split("\n").find((candidate) => candidate.trimEnd().endsWith(` ${file}`));
  return /^([0-9a-f]{64}) [ *]/u.exec(line ?? "")?.[1];
}

export interface UnpackOptions {
  readonly version: string;
  /** Emptied at the start. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Stores the archive, checks it and unpacks the two programs; returns their folder.
 *
 * @throws MeshError MESH_TOOL_FETCH when it breaks off or has another checksum, MESH_DISK_FULL; the signal's reason
 */
export async function unpackRelease(release: Release, options: UnpackOptions): Promise<string> {
  const { version, dir, env, report, signal } = options;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const file = join(dir, "release.tar.gz");
  const sha256 = await store(release, file, { report, signal });
  if (sha256 !== release.sha256) {
    throw new MeshError("MESH_TOOL_FETCH", `the release archive of SPIRE ${version} is not what its publisher says`, {
      details: [`published SHA-256: ${release.sha256}`, `of what arrived:   ${sha256}`],
      fix: "run this again; when it says the same, find out who answers for github.com in your network",
    });
  }
  const members = ["spire-server", "spire-agent"].map((program) => `spire-${version}/bin/${program}`);
  const fix = "run this again";
  const what = `unpacking SPIRE ${version}`;
  await runToSuccess(what, ["tar", "-xzf", file, "-C", dir, "--no-same-owner", ...members], { env, signal, fix });
  return join(dir, `spire-${version}`, "bin");
}

/** Writes the body to a file and returns its SHA-256. */
async function store(
  { archive, size }: Release,
  file: string,
  { report, signal }: { readonly report: Report; readonly signal: AbortSignal },
): Promise<string> {
  if (archive.body === null) throw new MeshError("MESH_TOOL_FETCH", "the release archive of SPIRE is empty");
  let got = 0;
  await using _shown = reportSteadily({ stage: "spire", report }, () => describeBytes("downloading", got, size));
  const hash = createHash("sha256");
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      got += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(archive.body), count, createWriteStream(file), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (messageOf(error).includes("ENOSPC")) throw diskFull("downloading SPIRE", [], error);
    throw new MeshError("MESH_TOOL_FETCH", `the download of SPIRE broke off after ${got} bytes`, {
      fix: "run this again",
      cause: error,
    });
  }
  return hash.digest("hex");
}
