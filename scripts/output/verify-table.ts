// The report of `./mesh verify` for a terminal: claims by group, then mutations, then the verdict.

import { alignColumns } from "./table.ts";
import type { Paint } from "./print.ts";
import { inShort, untriedHeading, untriedRows, untriedWord, whichMesh } from "./verify-untried.ts";
import type { AttemptResult, ClaimResult, MutationOutcome, VerifyReport } from "./verify-report.ts";

/** Groups of the attack matrix. */
export const groups: Readonly<Record<string, string>> = {
  A: "Who may call",
  B: "IDs that look alike",
  C: "TLS",
  D: "Authorisation behind mutual TLS",
  E: "Smuggling",
  F: "Denial of service",
  G: "Around the proxy",
  R: "Revocation",
};

export function formatVerify(report: VerifyReport, paint: Paint): string {
  const { mutations } = report;
  // Where many are not tried, it is for a few reasons.
  const heading = untriedHeading(report);
  const claims = heading === undefined ? report.claims : report.claims.filter(({ state }) => state !== "not-here");
  const byGroup = Map.groupBy(claims, ({ id }) => id.slice(0, 1));
  const sections = [...byGroup].map(([group, some]) =>
    section(
      `${group}  ${groups[group] ?? ""}`,
      some.flatMap((claim) => claimRows(claim, paint)),
    ),
  );
  if (mutations.length > 0)
    sections.push(
      section(
        "Protections taken away, each alone",
        mutations.map((mutation) => mutationRow(mutation, paint)),
      ),
    );
  if (heading !== undefined) sections.push(section(heading, untriedRows(report)));
  return [...sections, verdict(report, paint)].join("\n\n");
}

function section(heading: string, rows: readonly (readonly string[])[]): string {
  return [heading, ...alignColumns(rows)].join("\n");
}

function claimRows(claim: ClaimResult, paint: Paint): string[][] {
  const { id, title, state, why, attempts } = claim;
  const ms = attempts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const failed = attempts.filter(({ problem }) => problem !== undefined);
  const cause =
    state === "not-here" || state === "admitted"
      ? (why ?? "")
      : [...new Set(attempts.map(causeOf))].filter((one) => one !== "").join(", ");
  return [
    [
      "",
      id,
      paint(colours[state], words[state]),
      title,
      failed.length > 0 ? "" : shortened(cause),
      attempts.length === 0 ? "" : `${Math.round(ms)} ms`,
    ],
    ...failed.map(({ tried, problem = "" }) => ["", "", "", `  ${tried}`, problem, ""]),
  ];
}

const words = { refused: "refused", admitted: "admitted", "not-here": "not here", failed: "FAILED" } as const;
const colours = { refused: "green", admitted: "yellow", "not-here": "blue", failed: "red" } as const;

/** In a few words why the sidecar refused. */
function causeOf({ sidecar: { counters, reason } }: AttemptResult): string {
  const counter = Object.keys(counters).find((name) => /ssl\.|rbac\.denied|protocol_error|timeout/.test(name));
  const said = reason
    .replace(/^CERTIFICATE VERIFY FAILED:verify cert failed: /, "")
    .replace(/^X509 verify cert: certificate verification error at depth \d+: /, "")
    .replace(/; upstream reset before response started.*$/, "")
    .replace(/^(PEER DID NOT RETURN A CERTIFICATE).*$/, "$1");
  return said === "" ? (counter ?? "") : said;
}

function shortened(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 63)}…`;
}

function mutationRow(
  { protection, change, state, why, by, red, milliseconds }: MutationOutcome,
  paint: Paint,
): string[] {
  const all = red === undefined ? "" : `, of ${red.length} that turned red: ${inShort(red)}`;
  const said = state === "noticed" ? `${by?.claim ?? ""}: ${by?.tried ?? ""}${all}` : (why ?? "no claim turned red");
  const shown = {
    noticed: paint("green", "noticed"),
    unnoticed: paint("red", "UNNOTICED"),
    "not-applied": paint("blue", "not taken away"),
    failed: paint("red", "NOT TAKEN AWAY"),
  };
  return ["", protection, shown[state], change, shortened(said.split("\n")[0] ?? ""), `${Math.round(milliseconds)} ms`];
}

function verdict(report: VerifyReport, paint: Paint): string {
  const { claims, mutations, holds, edge, seconds } = report;
  const count = (state: ClaimResult["state"]): number => claims.filter((claim) => claim.state === state).length;
  const taken = (state: MutationOutcome["state"]): number => mutations.filter((one) => one.state === state).length;
  const about =
    mutations.length === 0
      ? ""
      : `; ${taken("noticed")} protections missed when taken away, ${taken("unnoticed")} not, ${taken("not-applied")} cannot be taken away, ${taken("failed")} could not`;
  const numbers = `${count("refused")} refused, ${count("admitted")} admitted as stated, ${count("not-here")} ${untriedWord(report)}, ${count("failed")} failed${about}`;
  return `${holds ? paint("green", "holds") : paint("red", "DOES NOT HOLD")}: ${edge}${whichMesh(report)}: ${numbers}, ${seconds.toFixed(1)} s`;
}
