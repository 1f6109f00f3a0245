// The language of mesh.yaml as one schema: its structure for `structure.ts`, its descriptions and examples for editors
// (mesh.schema.json). Scalars name a format of `syntax.ts`; relations between places are the rules'.

import { Type } from "typebox";

import { closed, domainPattern, mapOf } from "./schema/parts.ts";
import { trustDomain } from "./schema/trust-domain.ts";
import { workload } from "./schema/workload.ts";
import { namePattern } from "./syntax.ts";

const meshFile = Type.Object(
  {
    trustDomains: mapOf(trustDomain, {
      description: "Trust domains by their DNS name.",
      examples: [{ "broker.example": {} }],
      propertyNames: { format: "trust-domain", pattern: domainPattern },
    }),
    workloads: mapOf(workload, {
      description: "Workloads by name.",
      examples: [
        { quotes: { spiffeId: "spiffe://stockmarket.example/quotes-service", app: { node: "apps/quotes/server.ts" } } },
      ],
      propertyNames: { format: "name", pattern: namePattern },
    }),
  },
  { ...closed, title: "mesh.yaml", description: "Trust domains, workloads, and who may call whom." },
);

/** The JSON Schema of mesh.yaml, as committed in mesh.schema.json. */
export function jsonSchema(): Record<string, unknown> {
  return { $schema: "http://json-schema.org/draft-07/schema#", ...meshFile };
}
