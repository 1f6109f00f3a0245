// Building blocks of the schema: closed mappings, and one function per kind of scalar, each with the pattern that
// editors check. Whether a scalar is well-formed is decided by the reader of its format (syntax.ts).

import { Type, type TSchema } from "typebox";

import { durationPattern } from "../duration.ts";
import type { Format } from "../syntax.ts";

export const closed = { additionalProperties: false } as const;

export interface Help {
  readonly description: string;
  /** The first is what an error suggests. */
  readonly examples: readonly unknown[];
}

export function text(format: Format, help: Help & { pattern?: string }) {
  return Type.String({ format, ...help });
}

export function listOf(items: TSchema, help: Help) {
  return Type.Array(items, { minItems: 1, ...help });
}

/** A mapping whose keys are names that the file itself gives. */
export function mapOf(values: TSchema, help: Help & { propertyNames?: { format: Format; pattern: string } }) {
  return Type.Unsafe<Record<string, unknown>>({
    type: "object",
    minProperties: 1,
    additionalProperties: values,
    ...help,
  });
}

export const domainPattern = "^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$";
const spiffeIdPattern = "^spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+$";
export const portPattern = ":[1-9][0-9]{0,4}$";

export const duration = (description: string, example: string) =>
  text("time-span", { description, examples: [example], pattern: durationPattern });
export const spiffeId = (description: string, example: string) =>
  text("spiffe-id", { description, examples: [example], pattern: spiffeIdPattern });
export const pathInFolder = (description: string, example: string) =>
  text("path-in-folder", { description, examples: [example] });
export const httpsUrl = (description: string, example: string) =>
  text("https-url", { description, examples: [example], pattern: "^https://" });
export const listenAddress = (description: string, example: string) =>
  text("listen-address", { description, examples: [example], pattern: `^[0-9.]+${portPattern}` });
export const remoteAddress = (description: string, example: string) =>
  text("remote-address", { description, examples: [example], pattern: portPattern });
