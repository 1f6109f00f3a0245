// The published schema of `./mesh contract --json`.

import { Type } from "typebox";

import type { Verdict } from "../contract/verdict.ts";
import { text } from "./json-facts.ts";

export const contractVersion = 1;

export interface ContractReport {
  readonly version: typeof contractVersion;
  readonly workload: string;
  readonly met: boolean;
  readonly verdicts: readonly Verdict[];
}

export const contractReport = Type.Object(
  {
    version: Type.Literal(contractVersion, {
      description: "Of this shape; another number means that keys changed their meaning.",
    }),
    workload: text("In whose place it was checked."),
    met: Type.Boolean({ description: "No rule failed; `./mesh contract` then exits 0, else 1." }),
    verdicts: Type.Array(
      Type.Object(
        {
          rule: text("A word for programs (docs/app-contract.md)."),
          title: text("What the contract asks."),
          verdict: Type.Union([Type.Literal("passed"), Type.Literal("failed"), Type.Literal("not checked")]),
          seen: text("What was seen, or why nothing was."),
        },
        { description: "One rule." },
      ),
    ),
  },
  { title: "./mesh contract --json", description: "An app held to the app contract, rule by rule." },
);
