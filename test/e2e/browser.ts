// A real Chromium for playwright-core: the machine's own, else Debian's package unpacked into the tool cache with the
// libraries and the font that the machine lacks. Needs no root, installs nothing, and leaves apt's own state alone.

import { access, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";

import { systemErrorCode } from "../../scripts/errors.ts";
import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { runToSuccess } from "../../scripts/tools/child.ts";
import { takeFileLock } from "../../scripts/tools/lock.ts";

/** For `chromium.launch` of playwright-core, which gives each browser an empty profile of its own. */
export interface Browser {
  readonly executablePath: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

export interface EnsureBrowserOptions {
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Where Debian's package puts it. */
  readonly installed?: string;
}

interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * The pages under test are on this machine, so nothing else is to be reached; its sandbox needs privileges that an
 * ordinary user in a container does not have.
 */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const packages = ["chromium", "fonts-dejavu-core"];
const fix = "as root: apt-get install chromium; or see that apt-get reaches Debian's archive, then run this again";

/**
 * Returns how to launch Chromium, having downloaded it when the machine has none (once, about 250 MB).
 *
 * @throws MeshError MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function ensureBrowser(options: EnsureBrowserOptions = {}): Promise<Browser> {
  const { env = process.env, signal = new AbortController().signal, installed = "/usr/bin/chromium" } = options;
  if (await exists(installed)) return { executablePath: installed, args, env: withoutUndefined(env) };
  const parent = join(options.cacheDir ?? toolCacheDir({ env }), "chromium");
  await mkdir(parent, { recursive: true });
  const found = await findUnpacked(parent);
  if (found !== undefined) return launchFrom(found, env);
  await using _lock = await takeFileLock(join(parent, "lock"), { signal, onWait: () => {} });
  return launchFrom((await findUnpacked(parent)) ?? (await unpackChromium(parent, { env, signal })), env);
}

/** A folder with this prefix appeared by rename, so it is whole. */
const unpackedPrefix = "chromium-";

async function findUnpacked(parent: string): Promise<string | undefined> {
  const name = (await readdir(parent))
    .filter((candidate) => candidate.startsWith(unpackedPrefix))
    .toSorted()
    .at(-1);
  return name === undefined ? undefined : join(parent, name);
}

async function unpackChromium(parent: string, context: Context): Promise<string> {
  const work = join(parent, "work");
  const root = join(work, "root");
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const archives = await downloadPackages(work, context);
  const unpack = async (some: readonly string[]): Promise<void> => {
    for (const archive of some) {
      await runToSuccess(`unpacking ${archive}`, ["dpkg-deb", "--extract", archive, root], { ...context, fix });
    }
  };
  // Each is decompressed on one core.
  await Promise.all([0, 1].map((half) => unpack(archives.filter((_, index) => index % 2 === half))));
  await writeFile(join(root, "fonts.conf"), fontConfiguration);
  const version = /\/chromium_([^_]+)_/u.exec(archives.find((archive) => archive.includes("/chromium_")) ?? "")?.[1];
  const target = join(parent, `${unpackedPrefix}${version ?? "unknown"}`);
  await rename(root, target);
  await rm(work, { recursive: true, force: true });
  return target;
}

/**
 * Has apt-get download Chromium and everything it needs that the machine does not have: by the machine's sources and
 * keys and its list of installed packages, with folders of our own. Downloads that were interrupted are gone on with.
 */
async function downloadPackages(work: string, { env, signal }: Context): Promise<string[]> {
  const archives = join(work, "cache", "archives");
  for (const folder of [join(work, "state", "lists", "partial"), join(archives, "partial")]) {
    await mkdir(folder, { recursive: true });
  }
  const context = { env, signal, fix };
  // Proxies and certificates are the user's; hooks such as the one that empties apt's own cache are not to run.
  const acquire = await runToSuccess("reading apt's settings", ["apt-config", "dump", "Acquire"], context);
  const settings = join(work, "apt.conf");
  await writeFile(settings, `${aptConfiguration(work)}\n${acquire}\n`);
  const apt = { ...context, env: { ...env, APT_CONFIG: settings, DEBIAN_FRONTEND: "noninteractive" } };
  // Other people's archives in the machine's sources may not answer; whether Debian's did is seen at the next step.
  await runToSuccess("updating the list of Debian's packages", ["sh", "-c", "apt-get update -qq || :"], apt);
  await runToSuccess("removing outdated downloads", ["apt-get", "autoclean", "-qq"], apt);
  const install = ["apt-get", "install", "--download-only", "--yes", "-qq", "--no-install-recommends", ...packages];
  await runToSuccess("downloading Debian's package chromium", install, apt);
  return (await readdir(archives)).filter((name) => name.endsWith(".deb")).map((name) => join(archives, name));
}

function aptConfiguration(work: string): string {
  return `Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::State "${join(work, "state")}";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "${join(work, "cache")}";
Dir::Log "${join(work, "log")}";
Debug::NoLocking "true";
APT::Sandbox::User "${userInfo().username}";
Acquire::Languages "none";`;
}

/** The relative folder is beside this file. */
const fontConfiguration = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/** The machine's own fonts are found too. */
async function launchFrom(root: string, env: NodeJS.ProcessEnv): Promise<Browser> {
  const libraries = await libraryFolders(root);
  return {
    executablePath: join(root, "usr/lib/chromium/chromium"),
    args,
    env: { ...withoutUndefined(env), LD_LIBRARY_PATH: libraries.join(":"), FONTCONFIG_FILE: join(root, "fonts.conf") },
  };
}

/** Debian's multiarch folders, and those in them: some libraries keep their private parts in one of their own. */
async function libraryFolders(root: string): Promise<string[]> {
  const folders: string[] = [];
  for (const lib of ["usr/lib", "lib"]) {
    const multiarch = join(root, lib, process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu");
    if (!(await exists(multiarch))) continue;
    const inside = await readdir(multiarch, { withFileTypes: true });
    folders.push(multiarch, ...inside.filter((entry) => entry.isDirectory()).map(({ name }) => join(multiarch, name)));
  }
  return folders;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
