// The published schema of `./mesh verify --json`.

import { Type } from "typebox";

import { text } from "./json-facts.ts";
import { verifyVersion } from "./verify-report.ts";

const attempt = Type.Object(
  {
    tried: text("What was tried."),
    attacker: text("What the attacker saw after writing and reading."),
    sidecar: Type.Object(
      {
        counters: Type.Record(Type.String(), Type.Number(), { description: "Counters that grew, by how much." }),
        reason: text("What its access log says; empty when it says nothing."),
      },
      { description: "What the sidecar that refuses says." },
    ),
    app: text("What the app received."),
    control: text("What became of the rightful request beside it."),
    milliseconds: Type.Number(),
    problem: Type.Optional(text("Absent: all agree.")),
  },
  { description: "One attempt, and what each witness said of it." },
);

const claim = Type.Object(
  {
    id: text("Of the attack matrix: `A7`."),
    title: text("A fact."),
    clause: text("Of a standard, an advisory, or Envoy's documentation."),
    state: Type.Union(
      [Type.Literal("refused"), Type.Literal("admitted"), Type.Literal("not-here"), Type.Literal("failed")],
      {
        description:
          "`admitted`: as stated in `why`. `not-here`: the row cannot apply to this mesh, or cannot be tried on one that serves, or in containers; `why` says it.",
      },
    ),
    why: Type.Optional(text("Where something is admitted, or cannot be tried.")),
    inPart: Type.Optional(text("Of a mesh that serves, or in containers: why a part of it is not tried.")),
    attempts: Type.Array(attempt),
  },
  { description: "One row of the attack matrix." },
);

const mutation = Type.Object(
  {
    protection: text("Row of the protections table."),
    change: text("What was done to the configuration."),
    state: Type.Union(
      [Type.Literal("noticed"), Type.Literal("unnoticed"), Type.Literal("not-applied"), Type.Literal("failed")],
      {
        description:
          "`noticed`: a claim that guards it turned red. `unnoticed`: none did. `not-applied`: it cannot be taken away here, and `why` was known beforehand. `failed`: it should have been taken away and could not.",
      },
    ),
    why: Type.Optional(text("Why it was not applied.")),
    by: Type.Optional(
      Type.Object(
        { claim: text("Its id."), tried: text("The attempt."), problem: text("What it found.") },
        { description: "The first claim that turned red, of those that guard it." },
      ),
    ),
    red: Type.Optional(Type.Array(Type.String(), { description: "`--full`: ids of all claims that turned red." })),
    milliseconds: Type.Number(),
  },
  { description: "One protection, taken away alone." },
);

export const verifyReport = Type.Object(
  {
    version: Type.Literal(verifyVersion, {
      description: "Of this shape; another number means that keys changed their meaning.",
    }),
    startedAt: text("ISO 8601."),
    seconds: Type.Number(),
    holds: Type.Boolean({ description: "Every claim holds; `./mesh verify` then exits 0, else 1." }),
    mesh: Type.Union([Type.Literal("private"), Type.Literal("live")], {
      description:
        "`private`: an instance of its own. `live`: the mesh that is up, on which only what is harmless is tried.",
    }),
    runtime: Type.Union([Type.Literal("native"), Type.Literal("docker")], { description: "What the mesh runs on." }),
    edge: text("`broker → quotes`."),
    versions: Type.Record(Type.String(), Type.String(), { description: "Of everything that took part." }),
    claims: Type.Array(claim),
    mutations: Type.Array(mutation, { description: "Empty unless asked for." }),
  },
  { title: "./mesh verify --json", description: "Every claim with its evidence." },
);
