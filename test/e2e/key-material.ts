// Looks for private keys in files, as an auditor would. Runs wherever the files can be read, in this process or in a
// container, so it imports nothing but Node's own.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

export interface KeyMaterial {
  readonly path: string;
  /** Base64 of a private key. */
  readonly key: string;
}

/** Of every file below these folders: PEM bodies, and what SPIRE's disk key manager keeps as JSON. */
export function keyMaterialBelow(folders: readonly string[]): KeyMaterial[] {
  return folders.flatMap(filesBelow).flatMap((path) => keysIn(path).map((key) => ({ path, key })));
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function keysIn(path: string): string[] {
  const name = basename(path);
  if (!name.endsWith(".pem") && name !== "keys.json") return [];
  const text = readFileSync(path, "utf8");
  const bodies = [...text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END|"(MI[A-Za-z0-9+/=]{100,})"/g)];
  return bodies.map(([, pem, kept]) => (pem ?? kept ?? "").replaceAll(/\s/g, ""));
}
