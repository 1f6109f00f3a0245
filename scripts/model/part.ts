// Reading untyped data without trusting it: a part is a value with its path, and whatever is not as expected is absent.

import { nearest, type Path, type Read } from "./problem.ts";

export interface Part {
  readonly path: Path;
  readonly value: unknown;
}

/** A well-formed value and where it stands. */
export interface Located<T> {
  readonly path: Path;
  readonly value: T;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The part under a key; undefined when the key is not there. */
export function child(part: Part | undefined, key: string): Part | undefined {
  if (part === undefined || !isMapping(part.value) || !Object.hasOwn(part.value, key)) return undefined;
  return { path: [...part.path, key], value: part.value[key] };
}

/** Whether a mapping lacks a key and has one that was probably meant to be it: reported as such, and as nothing else. */
export function isMisspelt(mapping: unknown, key: string): boolean {
  if (!isMapping(mapping) || Object.hasOwn(mapping, key)) return false;
  return Object.keys(mapping).some((written) => nearest(written, [key]) === key);
}

/** Keys and parts of a mapping, in the file's order; none when it is not a mapping. */
export function entries(part: Part | undefined): [key: string, part: Part][] {
  if (part === undefined || !isMapping(part.value)) return [];
  return Object.entries(part.value).map(([key, value]) => [key, { path: [...part.path, key], value }]);
}

/** A scalar by its reader; undefined when it is absent or not well-formed. */
export function scalar<T>(part: Part | undefined, read: (text: string) => Read<T>): Located<T> | undefined {
  if (part === undefined || typeof part.value !== "string") return undefined;
  const result = read(part.value);
  return result.ok ? { path: part.path, value: result.value } : undefined;
}

/** A list of scalars; undefined when it is not a list or one of its items is not well-formed. */
export function scalars<T>(part: Part | undefined, read: (text: string) => Read<T>): Located<T>[] | undefined {
  if (part === undefined || !Array.isArray(part.value)) return undefined;
  const items = part.value.map((value: unknown, index) => scalar({ path: [...part.path, index], value }, read));
  const wellFormed = items.filter((item) => item !== undefined);
  return wellFormed.length === items.length ? wellFormed : undefined;
}

/** The value at a path; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value) && typeof key === "number") value = value[key];
    else if (isMapping(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}
