// How trust domains introduce themselves: each writes its own bundle document to a file that its partners can only
// read, as two companies would exchange one. Bundles are public; nothing else is exchanged.

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { parseBundleDocument, toBundleDocument, type Bundle } from "../spiffe/bundle.ts";
import type { ServerApi } from "./server-api.ts";

/** A bundle document is a few kB; what is larger is not one. */
const maxBytes = 1024 * 1024;

/**
 * Writes the server's own bundle to `file`, mode 0644, whole or not at all. Returns what it wrote; a file that is
 * right already is left untouched. Root writes here too, in a folder of the controller's: through no link, and what is
 * there already is not trusted to be a file.
 */
export async function publishBundle(api: Pick<ServerApi, "bundle">, file: string): Promise<Bundle> {
  const bundle = await api.bundle();
  const document = toBundleDocument(bundle);
  if (!(await holds(file, document))) await replaceFile(file, document);
  return bundle;
}

async function holds(file: string, document: string): Promise<boolean> {
  try {
    return (await readDocument(file)) === document;
  } catch (error) {
    if (error instanceof MeshError) return false; // It is no document at all.
    throw error;
  }
}

/**
 * The bundle with which `trustDomain` introduced itself; undefined when it has not yet.
 *
 * @throws MeshError MESH_INPUT_INVALID with every problem of the document
 */
export async function readBundleFile(file: string, trustDomain: string): Promise<Bundle | undefined> {
  const text = await readPartnersFile(file);
  if (text === undefined) return undefined;
  const parsed = parseBundleDocument(text, trustDomain);
  if (!parsed.ok) throw notAnIntroduction(file, trustDomain, parsed.problems);
  // Without an X.509 authority nobody of that trust domain could be verified, and Envoy refuses the whole set.
  if (parsed.bundle.x509Authorities.length === 0)
    throw notAnIntroduction(file, trustDomain, ["it has no X.509 authority"]);
  return parsed.bundle;
}

async function readPartnersFile(file: string): Promise<string | undefined> {
  try {
    return await readDocument(file);
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("MESH_INPUT_INVALID", `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Somebody else may have put it there, so it is not trusted to be a file: a pipe would hang the reader for ever. */
async function readDocument(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, isFile } = await handle.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile || size > maxBytes) {
      throw new MeshError("MESH_INPUT_INVALID", `${file} is not a bundle document`, {
        details: [isFile ? `it has ${size} bytes, more than ${maxBytes}` : "it is not a regular file"],
      });
    }
    return await handle.readFile("utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  try {
    // O_EXCL follows no link.
    await using handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await handle.writeFile(content);
    await handle.chmod(0o644); // Partners have other users; the umask must not decide.
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function notAnIntroduction(file: string, trustDomain: string, problems: readonly string[]): MeshError {
  return new MeshError("MESH_INPUT_INVALID", `${file} is not a bundle document of ${trustDomain}`, {
    details: problems,
  });
}
