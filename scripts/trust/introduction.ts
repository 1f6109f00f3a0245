// How trust domains introduce themselves: each writes its own bundle document to a file that its partners can only
// read, as two companies would exchange one. Bundles are public; nothing else is exchanged.

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { parseBundleDocument, toBundleDocument, type Bundle } from "../spiffe/bundle.ts";
import { openUnfollowed, readPlainFile, writeWhole } from "../whole-file.ts";
import { refusalOf } from "./quarantine.ts";
import type { ServerApi } from "./server-api.ts";

/** A bundle document is a few kB; what is larger is not one. */
const maxBytes = 1024 * 1024;

/**
 * Writes the server's own bundle to `file`, mode 0644, whole or not at all. Returns what it wrote; a file that is
 * right already is left untouched. Root writes here too, in a folder of the controller's: through no link, and what is
 * there already is not trusted to be a file.
 *
 * @throws MeshError MESH_BUNDLE_UNUSABLE when partners would refuse it
 */
export async function publishBundle(api: Pick<ServerApi, "bundle">, file: string): Promise<Bundle> {
  const bundle = await api.bundle();
  const refused = refusalOf(bundle);
  if (refused !== undefined)
    throw new MeshError("MESH_BUNDLE_UNUSABLE", `the bundle of ${bundle.trustDomain} is one that no partner takes`, {
      details: [refused],
      fix: "see what its SPIRE Server holds: spire-server bundle show; have its upstream authority issue one in the usual form",
    });
  const document = toBundleDocument(bundle);
  // Partners have other users: everybody may read it.
  if ((await readPlainFile(file))?.content !== document) await writeWhole(file, document, { mode: 0o644 });
  return bundle;
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
  const refused = refusalOf(parsed.bundle);
  if (refused !== undefined) throw notAnIntroduction(file, trustDomain, [refused]);
  return parsed.bundle;
}

/** A partner wrote this file, so it is not trusted to be one: a link would lead elsewhere, a pipe hang the reader. */
async function readPartnersFile(file: string): Promise<string | undefined> {
  try {
    await using handle = await openUnfollowed(file);
    const { size, isFile } = await handle.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (isFile && size <= maxBytes) return await handle.readFile("utf8");
    throw notADocument(file, isFile ? `it has ${size} bytes, more than ${maxBytes}` : "it is not a regular file");
  } catch (error) {
    if (error instanceof MeshError) throw error;
    const code = systemErrorCode(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP" || code === "ENXIO") throw notADocument(file, "it is not a regular file");
    throw new MeshError("MESH_INPUT_INVALID", `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function notADocument(file: string, why: string): MeshError {
  return new MeshError("MESH_INPUT_INVALID", `${file} is not a bundle document`, { details: [why] });
}

function notAnIntroduction(file: string, trustDomain: string, problems: readonly string[]): MeshError {
  return new MeshError("MESH_INPUT_INVALID", `${file} is not a bundle document of ${trustDomain}`, {
    details: problems,
  });
}
