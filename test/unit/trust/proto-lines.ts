// Puts .proto definitions into lines that can be compared: one per RPC, field and enum value.

import { loadSync, type AnyDefinition, type PackageDefinition } from "@grpc/proto-loader";

/** E.g. `spire.api.types.SPIFFEID.path = 2: LABEL_OPTIONAL TYPE_STRING`, sorted. */
export function protoLines(files: readonly string[], includeDir: string): string[] {
  const definitions: PackageDefinition = loadSync([...files], { includeDirs: [includeDir], keepCase: true });
  return Object.entries(definitions)
    .flatMap(([name, definition]) => linesOf(name, definition))
    .toSorted();
}

function linesOf(name: string, definition: AnyDefinition): string[] {
  if ("format" in definition) return typeLines(name, definition.type);
  return Object.values(definition).map(({ path, requestStream, responseStream, requestType, responseType }) => {
    return `rpc ${path}: ${side(requestStream, requestType.type)} returns ${side(responseStream, responseType.type)}`;
  });
}

function side(streams: boolean, type: object): string {
  return `${streams ? "stream " : ""}${field(type, "name")}`;
}

function typeLines(name: string, type: object): string[] {
  return [
    ...objects(type, "field").map((entry) => {
      const typeName = field(entry, "typeName").split(".").at(-1);
      const kind = [field(entry, "label"), field(entry, "type"), typeName].filter((word) => word !== "").join(" ");
      return `${name}.${field(entry, "name")} = ${field(entry, "number")}: ${kind}`;
    }),
    ...objects(type, "value").map((entry) => `${name}.${field(entry, "name")} = ${field(entry, "number")}`),
    ...[...objects(type, "nestedType"), ...objects(type, "enumType")].flatMap((nested) =>
      typeLines(`${name}.${field(nested, "name")}`, nested),
    ),
  ];
}

function field(from: object, name: string): string {
  return String(Object.entries(from).find(([key]) => key === name)?.[1] ?? "");
}

function objects(from: object, name: string): object[] {
  const value: unknown = Object.entries(from).find(([key]) => key === name)?.[1];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "object" && entry !== null) : [];
}
