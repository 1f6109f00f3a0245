// The published schemas of `--json` output, committed under docs/schemas. Loaded by tests only: commands print plain
// objects whose types these schemas are held equal to.

import { Type, type Static, type TProperties } from "typebox";

import type { StatusReport } from "../control/status-report.ts";
import type { ProcessStatus } from "../runtime/runtime.ts";
import { type ContractReport, contractReport } from "./json-contract.ts";
import { domainFacts, text } from "./json-facts.ts";
import { verifyReport } from "./json-verify.ts";
import type { VerifyReport } from "./verify-report.ts";

/** A description and what is always there. Unknown keys are allowed: more facts may come without a new version. */
function object<T extends TProperties>(description: string, properties: T) {
  return Type.Object(properties, { description });
}

const statusReport = Type.Object(
  {
    version: Type.Literal(1, { description: "Of this shape; another number means that keys changed their meaning." }),
    ready: Type.Boolean({ description: "No problem was found; `./mesh status` then exits 0, else 1." }),
    problems: Type.Array(
      object("What stands in the way.", {
        what: text("A sentence."),
        fix: text("The command that mends it, or tells more."),
      }),
      { description: "Causes before what they cause." },
    ),
    swapped: Type.Optional(
      Type.Array(
        object("A workload that another app than mesh.yaml's serves.", {
          workload: text("Its name."),
          app: text("The app that serves: its folder, file or image."),
          back: text("The command that returns to what mesh.yaml says."),
        }),
        { description: "By `./mesh swap`; absent when mesh.yaml's app serves everywhere." },
      ),
    ),
    trustDomains: Type.Array(
      object("One trust domain.", {
        trustDomain: text("Its DNS name."),
        name: text("Its short name, part of process names."),
        facts: Type.Optional(domainFacts),
        reason: Type.Optional(text("Why nothing is known: its controller does not answer.")),
      }),
    ),
    bundles: Type.Array(
      object("The bundle that one trust domain holds of another.", {
        holder: text("The trust domain that holds it."),
        of: text("The trust domain whose bundle it is."),
        state: Type.Union(
          [Type.Literal("current"), Type.Literal("older"), Type.Literal("missing"), Type.Literal("unknown")],
          { description: "Compared with the partner's own by digest; `unknown` when one of the two does not answer." },
        ),
        heldSeconds: Type.Optional(Type.Integer({ description: "For how long exactly this bundle is held." })),
        behindSeconds: Type.Optional(Type.Integer({ description: "For how long the partner has had a newer one." })),
        reason: Type.Optional(text("Why there is none.")),
      }),
    ),
  },
  { title: "./mesh status --json", description: "The facts of every trust domain, joined and judged." },
);

const processExit = object("How it ended.", {
  code: Type.Optional(Type.Integer()),
  signal: Type.Optional(text("By which signal.")),
  at: Type.Number({ description: "Milliseconds since the epoch." }),
  during: Type.Union([Type.Literal("build"), Type.Literal("run")]),
  error: Type.Optional(text("Why it could not be spawned at all.")),
});

const processStatus = object("A process that is meant to run.", {
  name: text("The same in `ps`, logs and Envoy's node id."),
  state: Type.Union(
    [
      Type.Literal("building"),
      Type.Literal("running"),
      Type.Literal("backing-off"),
      Type.Literal("failed"),
      Type.Literal("stopping"),
    ],
    { description: "`backing-off`: it died and is started again; `failed`: it is not started again until asked for." },
  ),
  pid: Type.Optional(Type.Integer()),
  startedAt: Type.Optional(Type.Number({ description: "Milliseconds since the epoch, of the latest start." })),
  restarts: Type.Integer({ description: "Starts after a death." }),
  lastExit: Type.Optional(processExit),
});

const processes = Type.Object(
  { processes: Type.Array(processStatus) },
  { title: "./mesh ps --json", description: "Every process that is meant to run." },
);

/** What a command prints with `--json`, as its own schema describes it. */
export type StatusJson = Static<typeof statusReport>;
export type ProcessStatusJson = Static<typeof processStatus>;

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;
type Same<Left extends Right, Right> = Left;

/** Fails to compile when a type and its schema part ways. */
export type SchemasHold = [
  Same<StatusReport, Frozen<StatusJson>>,
  Same<Frozen<StatusJson>, StatusReport>,
  Same<ProcessStatus, Frozen<ProcessStatusJson>>,
  Same<Frozen<ProcessStatusJson>, ProcessStatus>,
  Same<VerifyReport, Frozen<Static<typeof verifyReport>>>,
  Same<Frozen<Static<typeof verifyReport>>, VerifyReport>,
  Same<ContractReport, Frozen<Static<typeof contractReport>>>,
  Same<Frozen<Static<typeof contractReport>>, ContractReport>,
];

/** JSON Schema by the name of its file in docs/schemas. */
export function publishedSchemas(): Readonly<Record<string, object>> {
  const draft = { $schema: "http://json-schema.org/draft-07/schema#" };
  return {
    "status.json": { ...draft, ...statusReport },
    "ps.json": { ...draft, ...processes },
    "verify.json": { ...draft, ...verifyReport },
    "contract.json": { ...draft, ...contractReport },
  };
}
