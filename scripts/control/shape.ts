// Whether what a controller sent has the shape that it promises. Another trust domain's controller is not trusted to
// keep it: what does not must not fail in the middle of a command. Checks of our own, because a schema library takes
// longer to load than all controllers together take to answer.

/** Where a value is not of the shape, e.g. `sidecars[0].health.state`; undefined: it is. */
export type Shape = (value: unknown, path: string) => string | undefined;

export const text: Shape = (value, path) => (typeof value === "string" ? undefined : path);
export const number: Shape = (value, path) => (typeof value === "number" ? undefined : path);
export const flag: Shape = (value, path) => (typeof value === "boolean" ? undefined : path);

export function oneOf(...values: readonly unknown[]): Shape {
  return (value, path) => (values.includes(value) ? undefined : path);
}

export function optional(shape: Shape): Shape {
  return (value, path) => (value === undefined ? undefined : shape(value, path));
}

export function list(item: Shape): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) return path;
    return firstOf(value.entries(), ([index, entry]) => item(entry, `${path}[${index}]`));
  };
}

/** Fields that are not named here are allowed: more may come without a new version. */
export function record(fields: Readonly<Record<string, Shape>>): Shape {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return path;
    const given = new Map<string, unknown>(Object.entries(value));
    return firstOf(Object.entries(fields), ([name, shape]) =>
      shape(given.get(name), path === "" ? name : `${path}.${name}`),
    );
  };
}

/** A record whose field `by` says which of the shapes it has. */
export function variants(by: string, shapes: Readonly<Record<string, Shape>>): Shape {
  return (value, path) => {
    const kind: unknown = typeof value === "object" && value !== null ? Reflect.get(value, by) : undefined;
    const shape = typeof kind === "string" && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
    return shape === undefined ? `${path}.${by}` : shape(value, path);
  };
}

function firstOf<T>(items: Iterable<T>, problemOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = problemOf(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
