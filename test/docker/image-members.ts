// What is in an image: the members of the tar that `docker export` makes of a container that never ran.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface ImageMember {
  readonly kind: "file" | "folder" | "link";
  /** As ls(1) shows it: `drwxr-xr-x`. */
  readonly mode: string;
  /** `1000:1000`. */
  readonly owner: string;
  readonly path: string;
  /** Of a link. */
  readonly target: string;
}

const kinds: ReadonlyMap<string, ImageMember["kind"]> = new Map([
  ["-", "file"],
  ["h", "file"],
  ["d", "folder"],
  ["l", "link"],
]);

/** Made by the engine for the container, none of the image's. */
const ofTheEngine = /^(?:\.dockerenv|(?:dev|proc|sys)(?:\/.*)?|etc\/(?:hostname|hosts|mtab|resolv\.conf))$/u;

/** The members of an image, by their paths. */
export async function listMembers(image: string): Promise<readonly ImageMember[]> {
  const exec = promisify(execFile);
  const container = (await exec("docker", ["create", "--network", "none", image])).stdout.trim();
  try {
    const script = 'set -o pipefail; docker export "$0" | tar -tv --numeric-owner --quoting-style=literal';
    const { stdout } = await exec("bash", ["-c", script, container], { maxBuffer: 64 * 1024 ** 2 });
    return parseTarList(stdout).filter(({ path }) => !ofTheEngine.test(path));
  } finally {
    await exec("docker", ["rm", "--force", container]);
  }
}

/** `drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/`, as GNU tar prints a member. */
function parseTarList(text: string): ImageMember[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [, mode = "", owner = "", name = ""] = /^(\S{10}) (\S+) +\d+ \S+ \S+ (.+)$/u.exec(line) ?? [];
    const kind = kinds.get(mode.slice(0, 1));
    if (kind === undefined) throw new Error(`a member that is neither file, folder nor link: ${line}`);
    const [path = "", target = ""] = kind === "link" ? name.split(" -> ") : [name.replace(/\/$/u, "")];
    return { kind, mode, owner: owner.replace("/", ":"), path, target };
  });
}
