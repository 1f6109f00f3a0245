// A checkout may hold symbolic links that somebody committed. What they lead to outside of it is none of the mesh's: as
// root it would be copied to where other users can read it (CWE-59).

import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";

/**
 * Refuses a path of the checkout on which a symbolic link leads out of it. Links that stay inside are fine, and so is
 * what does not exist.
 *
 * @param what names the path in the message, e.g. "the workingDir of quotes"
 * @param path relative to the checkout
 * @throws MeshError MESH_INPUT_INVALID naming the link
 */
export function refuseOutwardLink(repositoryDir: string, path: string, what: string): void {
  const root = realpathSync(repositoryDir);
  let at = root;
  for (const part of path.split("/").filter((name) => name !== "" && name !== ".")) {
    const next = join(at, part);
    const isLink = lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink();
    if (isLink === undefined) return;
    const target = isLink ? targetOf(next) : next;
    if (!isInside(target, root)) throw outwardLink(next, what);
    at = target;
  }
}

function outwardLink(link: string, what: string): MeshError {
  const message = `${what} leads out of the checkout: ${link} is a symbolic link to ${readlinkSync(link)}`;
  return new MeshError("MESH_INPUT_INVALID", message, {
    fix: "put there what it links to, or link to something inside the checkout",
  });
}

/** Where a link leads in the end, also when nothing is there, or nothing that we may see. */
function targetOf(link: string): string {
  return realPathIfThere(link) ?? realPathOf(resolve(dirname(link), readlinkSync(link)));
}

function realPathOf(path: string): string {
  return realPathIfThere(path) ?? join(realPathOf(dirname(path)), basename(path));
}

function realPathIfThere(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    const code = systemErrorCode(error) ?? "";
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].includes(code)) return undefined;
    throw error;
  }
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}
