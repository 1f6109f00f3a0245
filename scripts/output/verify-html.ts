// The report of `./mesh verify` as one self-contained page for an auditor: every claim with its clause, what was tried, what
// each witness said; the protections that were taken away; the versions of everything.

import { escapeXml as text } from "./markup.ts";
import type { AttemptResult, ClaimResult, MutationOutcome, VerifyReport } from "./verify-report.ts";
import { inShort, untriedWord } from "./verify-untried.ts";
import { groups } from "./verify-table.ts";

export function verifyHtml(report: VerifyReport): string {
  const { claims, mutations, edge, startedAt, seconds, holds, versions } = report;
  const byGroup = Map.groupBy(claims, ({ id }) => id.slice(0, 1));
  const count = (state: ClaimResult["state"]): number => claims.filter((one) => one.state === state).length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Verification of ${text(edge)}</title>
<style>${style}</style>
</head>
<body>
<h1>Verification of ${text(edge)}</h1>
<p class="verdict ${holds ? "good" : "bad"}">${holds ? "Every claim holds." : "Not every claim holds."}</p>
<dl>
<dt>When</dt><dd>${text(startedAt)}, ${seconds.toFixed(1)} s</dd>
<dt>Claims</dt><dd>${count("refused")} refused, ${count("admitted")} admitted as stated, ${count("not-here")} ${untriedWord(report)}, ${count("failed")} failed</dd>
${Object.entries(versions)
  .map(([name, version]) => `<dt>${text(name)}</dt><dd>${text(version)}</dd>`)
  .join("\n")}
</dl>
<p>${text(how(report))}</p>
${[...byGroup].map(([group, some]) => `<h2>${text(groups[group] ?? group)}</h2>\n${some.map(claim).join("\n")}`).join("\n")}
${mutations.length === 0 ? "" : mutationTable(mutations)}
</body>
</html>
`;
}

const seenAndCounted =
  "A refusal counts when the attacker saw it after writing and reading and the sidecar counted and logged it under the expected cause";

function how({ mesh, runtime }: VerifyReport): string {
  if (mesh === "live")
    return `The mesh that is up was attacked as far as that is harmless: with nothing of its own in the attacker's hands, and changing nothing even if it succeeded. ${seenAndCounted}. A rightful request crossed before the first attempt and after the last. What is not tried live is tried on a private instance.`;
  const beside = "Beside each attempt the rightful caller's request succeeded on the same listener.";
  if (runtime === "docker")
    return `A private instance in containers, attacked from a container beside the callee's sidecar. ${seenAndCounted}. ${beside} What is not tried in containers is tried natively.`;
  return `${seenAndCounted}, and the app received nothing. ${beside}`;
}

function claim({ id, title, clause, state, why, attempts }: ClaimResult): string {
  const open = state === "failed" ? " open" : "";
  const body =
    attempts.length === 0
      ? ""
      : `<table><tr><th>Tried<th>The attacker<th>The sidecar<th>The app<th>The rightful caller<th>ms</tr>\n${attempts.map(attempt).join("\n")}</table>`;
  return `<details${open}><summary><b>${text(id)}</b> <span class="${state}">${text(state.replace("-", " "))}</span> ${text(title)}</summary>
<p class="clause">${text(clause)}${why === undefined ? "" : `<br>${text(why)}`}</p>${body}</details>`;
}

function attempt({ tried, attacker, sidecar, app, control, milliseconds, problem }: AttemptResult): string {
  const counters = Object.entries(sidecar.counters)
    .map(([name, by]) => `${name} +${by}`)
    .join(", ");
  const trouble = problem === undefined ? "" : `<tr><td colspan="6" class="failed">${text(problem)}</tr>`;
  return `<tr><td>${text(tried)}<td>${text(attacker)}<td>${text([sidecar.reason, counters].filter((one) => one !== "").join(" · "))}<td>${text(app)}<td>${text(control)}<td>${Math.round(milliseconds)}</tr>${trouble}`;
}

function mutationTable(mutations: readonly MutationOutcome[]): string {
  const rows = mutations.map(
    ({ protection, change, state, why, by, red }) =>
      `<tr><td>${text(protection)}<td>${text(change)}<td class="${state}">${text(state.replace("-", " "))}<td>${text(by === undefined ? (why ?? "") : `${by.claim}, ${by.tried}: ${by.problem}${among(red)}`)}</tr>`,
  );
  return `<h2>Protections taken away, each alone</h2>
<p>Each row of the configuration that protects was weakened alone, on the running sidecars. A claim that guards it had to
turn red, or a reason was known beforehand why it cannot be taken away here.</p>
<table><tr><th>Protection<th>What was done<th>Result<th>By which claim, or why not</tr>
${rows.join("\n")}</table>`;
}

function among(red: readonly string[] = []): string {
  return red.length === 0 ? "" : ` (of ${inShort(red)})`;
}

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --good: light-dark(#17663a, #6bd39a); --bad: light-dark(#a51d2d, #ff8b94); --some: light-dark(#7a5b00, #e6c35c); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dd { margin: 0; } dt { opacity: .7; }
details { border-top: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; } td, th { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.clause { opacity: .75; margin: .2rem 0 .4rem; font-size: .9rem; }
.verdict { font-size: 1.2rem; font-weight: 600; }
.good, .refused, .noticed { color: var(--good); } .bad, .failed, .unnoticed { color: var(--bad); } .admitted { color: var(--some); } .not-here, .not-applied { opacity: .7; }
@media print { details { display: block; } details > * { display: block; } }
`;
