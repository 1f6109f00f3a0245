// What an operator decided about a mesh that is up, beside mesh.yaml and never in it: who serves. It lies in the state
// folder, and ends with `stop` and `down`. (Cuts and weights will lie here too.)

import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { MeshError, messageOf } from "../errors.ts";
import type { App, Mesh } from "../model/mesh.ts";
import { slotNumbers, type Serving, type Slot, type SlotNumber } from "../plan/slots.ts";
import { readPlainFile, writeWhole } from "../whole-file.ts";
import { type StateFolder, shellWord } from "./state.ts";

const version = 1;

function servingFile({ path }: Pick<StateFolder, "path">): string {
  return join(path, "decisions", "serving.json");
}

/** In the file a slot without an app has mesh.yaml's, whatever that says by then. */
type Kept = Readonly<Record<string, Partial<Record<SlotNumber, Omit<Slot, "app"> & { readonly app?: App }>>>>;

/** Workloads by name, each with its own app where mesh.yaml can be read. */
interface Declared {
  readonly workloads: readonly { readonly name: string; readonly app?: App }[];
}

/**
 * Who serves, of the workloads that the mesh still has.
 *
 * @throws MeshError MESH_STATE_INVALID when the file is damaged, or another user's
 */
export async function readServing(folder: Pick<StateFolder, "path">, { workloads }: Declared): Promise<Serving> {
  const file = servingFile(folder);
  const found = await readPlainFile(file);
  if (found === undefined) return {};
  if (found.uid !== (process.getuid?.() ?? 0)) throw damaged(file, `it belongs to user ${found.uid}`);
  const { serving } = parsed(file, found.content);
  const known = workloads.map(({ name, app: declared }) => {
    const slots = slotNumbers.flatMap((number) => {
      const slot = serving[name]?.[number];
      const app = slot?.app ?? declared;
      return slot === undefined || app === undefined ? [] : [[number, { ...slot, app }] as const];
    });
    return [name, Object.fromEntries(slots)] as const;
  });
  return Object.fromEntries(known.filter(([, slots]) => Object.keys(slots).length > 0));
}

/** Writes it whole, less what mesh.yaml says anyway; with nothing decided there is no file. */
export async function writeServing(folder: Pick<StateFolder, "path">, serving: Serving, mesh: Declared): Promise<void> {
  const file = servingFile(folder);
  const declared = new Map(mesh.workloads.map(({ name, app }) => [name, app]));
  const kept: Kept = Object.fromEntries(
    Object.entries(decidedIn(mesh, serving)).map(([name, slots]) => {
      const own = Object.entries(slots).map(([number, { app, ...slot }]) =>
        isDeepStrictEqual(app, declared.get(name)) ? [number, slot] : [number, { ...slot, app }],
      );
      return [name, Object.fromEntries(own)];
    }),
  );
  if (Object.keys(kept).length === 0) return forgetServing(folder);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, `${JSON.stringify({ version, serving: kept }, undefined, 2)}\n`, { mode: 0o600 });
}

/** Without what mesh.yaml says anyway. */
export function decidedIn({ workloads }: Declared, serving: Serving): Serving {
  const declared = new Map(workloads.map(({ name, app }) => [name, app]));
  return Object.fromEntries(Object.entries(serving).filter(([name, slots]) => !isUsual(slots, declared.get(name))));
}

function isUsual(slots: Serving[string], declared: App | undefined): boolean {
  return Object.keys(slots).length === 1 && slots[1] !== undefined && isDeepStrictEqual(slots[1].app, declared);
}

/** What mesh.yaml says serves again. */
export async function forgetServing(folder: Pick<StateFolder, "path">): Promise<void> {
  await rm(servingFile(folder), { force: true });
}

/**
 * Workloads served by another app than mesh.yaml's, each with that app in words; without a mesh, because mesh.yaml cannot
 * be read, those of which something else was decided.
 */
export function servedOtherwise(
  mesh: Mesh | undefined,
  serving: Serving,
): { readonly workload: string; readonly app: string }[] {
  const declared = new Map(mesh?.workloads.map(({ name, app }) => [name, app]));
  return Object.entries(serving).flatMap(([workload, slots]) => {
    const apps = Object.values(slots).flatMap(({ app, weight }) => (weight > 0 ? [app] : []));
    const others = apps.filter((app) => !isDeepStrictEqual(app, declared.get(workload)));
    return others.map((app) => ({ workload, app: appInWords(app) }));
  });
}

/** `examples/quotes-go`, `apps/quotes/server.ts`, `nginx:1.29`. */
export function appInWords(app: App): string {
  if (app.kind === "image") return app.image;
  if (app.kind === "node") return app.watch === true ? `${app.entry}, watched` : app.entry;
  return app.workingDir ?? app.command.join(" ");
}

interface Content {
  readonly version: typeof version;
  readonly serving: Kept;
}

function parsed(file: string, text: string): Content {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(file, messageOf(error));
  }
  if (isContent(value)) return value;
  throw damaged(file, "it is not of this version");
}

function isContent(value: unknown): value is Content {
  if (typeof value !== "object" || value === null || !("version" in value) || !("serving" in value)) return false;
  const { serving } = value;
  return value.version === version && typeof serving === "object" && serving !== null;
}

function damaged(file: string, why: string): MeshError {
  return new MeshError("MESH_STATE_INVALID", `${file} is damaged: ${why}`, {
    fix: `rm ${shellWord(file)}; then ./mesh up: what mesh.yaml says serves again`,
  });
}
