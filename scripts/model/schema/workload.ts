// The schema of a workload: its identity, its app, and whom it calls.

import { Type } from "typebox";

import { methods, pathPattern, rulePattern } from "../call-rule.ts";
import {
  closed,
  duration,
  listenAddress,
  listOf,
  mapOf,
  pathInFolder,
  portPattern,
  remoteAddress,
  spiffeId,
  text,
} from "./parts.ts";

const command = (description: string, example: readonly string[]) =>
  listOf(text("argument", { description: "One argument; no shell reads it.", examples: ["--port"] }), {
    description,
    examples: [example],
  });

const app = Type.Object(
  {
    node: Type.Optional(pathInFolder("JavaScript or TypeScript file that Node runs.", "apps/quotes/server.ts")),
    command: Type.Optional(command("Program and its arguments.", ["./quotes"])),
    image: Type.Optional(
      text("image", {
        description: "Container image; beside `command`, the image it runs in.",
        examples: ["debian:12-slim"],
      }),
    ),
    workingDir: Type.Optional(pathInFolder("Folder it runs in; that of mesh.yaml unless given.", "examples/quotes-go")),
    build: Type.Optional(
      command("Run once before the app starts, in `workingDir`.", ["go", "build", "-o", "quotes", "."]),
    ),
    listen: Type.Optional(
      text("loopback-address", {
        description: "Where an app listens that can only do TCP; otherwise it gets a Unix socket in `LISTEN`.",
        examples: ["127.0.0.1:8000"],
        pattern: `^127\\.[0-9.]+${portPattern}`,
      }),
    ),
    health: Type.Optional(
      text("url-path", {
        description: "Path of the health route; /health unless given.",
        examples: ["/health"],
        pattern: pathPattern,
      }),
    ),
    contract: Type.Optional(
      pathInFolder("OpenAPI file that another implementation must meet.", "apps/quotes/openapi.yaml"),
    ),
  },
  {
    ...closed,
    description: "How the app is run: `node`, `command` or `image`.",
    examples: [{ node: "apps/quotes/server.ts" }],
    // Worded by rules/workloads.ts; here for editors.
    oneOf: [{ required: ["node"] }, { required: ["command"] }, { required: ["image"], not: { required: ["command"] } }],
  },
);

const rules = listOf(
  text("rule", {
    description: `METHOD PATH: ${methods.join(", ")}; the path exact, or ending in /* for everything below.`,
    examples: ["GET /quotes", "* /entries/*"],
    pattern: rulePattern,
  }),
  { description: "What may be called.", examples: [["GET /quotes"]] },
);

const call = Type.Union(
  [
    rules,
    Type.Object(
      {
        allow: rules,
        timeout: Type.Optional(
          duration("How long an answer may take as a whole; at most 4m, no limit unless given.", "2s"),
        ),
      },
      { ...closed, description: "What may be called, and how.", examples: [{ allow: ["GET /quotes"], timeout: "2s" }] },
    ),
  ],
  { description: "Rules, or rules with a timeout.", examples: [["GET /quotes"]] },
);

export const workload = Type.Object(
  {
    spiffeId: spiffeId(
      "Its identity; the trust domain must be one of this file.",
      "spiffe://stockmarket.example/quotes-service",
    ),
    app: Type.Optional(app),
    publish: Type.Optional(
      text("publish", {
        description: "Address of this machine where its sidecar serves the app as plain HTTP, to browsers.",
        examples: ["127.0.0.1:8080"],
        pattern: portPattern,
      }),
    ),
    calls: Type.Optional(
      mapOf(call, {
        description: "Whom it calls: workload → rules. The callee admits exactly this SPIFFE ID for exactly these.",
        examples: [{ quotes: ["GET /quotes"] }],
      }),
    ),
    expose: Type.Optional(
      Type.Object(
        {
          listen: listenAddress("Address of this machine its sidecar listens on.", "0.0.0.0:9443"),
          address: remoteAddress("Where partners reach it.", "quotes.stockmarket.example:9443"),
        },
        {
          ...closed,
          description: "Makes its sidecar reachable by external partners.",
          examples: [{ listen: "0.0.0.0:9443", address: "quotes.stockmarket.example:9443" }],
        },
      ),
    ),
    address: Type.Optional(remoteAddress("Where an external workload is reached.", "fx.partner.example:9443")),
  },
  {
    ...closed,
    description: "An app and the sidecar beside it.",
    examples: [{ spiffeId: "spiffe://stockmarket.example/quotes-service", app: { node: "apps/quotes/server.ts" } }],
  },
);
