// Rules of workloads: one identity each, in a trust domain of this file, and an app where the domain runs here.

import { appKinds, domainOf, isDeclared, type AppDraft, type Draft, type WorkloadDraft } from "../draft.ts";
import { child, isMisspelt } from "../part.ts";
import { didYouMean, listed, quote, write, type Finding, type LineOf } from "../problem.ts";

export function workloadFindings(draft: Draft, lineOf: LineOf): Finding[] {
  return draft.workloads.flatMap((workload) => [
    ...spiffeIdFindings(workload, draft, lineOf),
    ...(workload.app === undefined ? [] : appFindings(workload.app)),
    ...placeFindings(workload, draft),
  ]);
}

function spiffeIdFindings({ name, spiffeId }: WorkloadDraft, draft: Draft, lineOf: LineOf): Finding[] {
  if (spiffeId === undefined) return [];
  const { uri, trustDomain, path } = spiffeId.value;
  const place = { path: spiffeId.path, at: "value" } as const;
  const names = draft.domains.map(({ domain }) => domain);
  const first = draft.workloads.find((other) => other.spiffeId?.value.uri === uri);
  const findings: Finding[] = [];
  if (names.length > 0 && !isDeclared(draft, trustDomain)) {
    const suggestion = didYouMean(trustDomain, names, "declare it under `trustDomains`");
    findings.push({ ...place, message: `${quote(trustDomain)} is not a trust domain of this file`, suggestion });
  }
  if (path === "") {
    const message = `${quote(uri)} names the trust domain, not a workload`;
    findings.push({ ...place, message, suggestion: write(`${uri}/${name}`) });
  }
  // SPIRE keeps this path for its servers and agents (pkg/common/idutil IsReservedPath).
  if (path === "/spire" || path.startsWith("/spire/")) {
    const message = "SPIFFE IDs under `/spire` belong to SPIRE Servers and Agents";
    findings.push({ ...place, message, suggestion: write(`spiffe://${trustDomain}/${name}`) });
  }
  if (first !== undefined && first.name !== name) {
    const line = lineOf(first.spiffeId?.path ?? first.path);
    findings.push({
      ...place,
      message: `${quote(first.name)} has this SPIFFE ID already (line ${line})`,
      suggestion: "write another path",
    });
  }
  return findings;
}

export function appFindings(app: AppDraft): Finding[] {
  const kinds = app.kinds.map((kind) => quote(kind));
  const place = { path: app.path, at: "key" } as const;
  const all = listed(
    appKinds.map((kind) => quote(kind)),
    "or",
  );
  const [first, second] = app.kinds;
  if (first === undefined) {
    const message = "`app` does not say how it is run";
    return [{ ...place, message, suggestion: `write ${all} below it` }];
  }
  // `image` beside `command` is where the command runs.
  if (second !== undefined && first === "node") {
    return [{ ...place, message: `\`app\` has ${listed(kinds, "and")}`, suggestion: `write one of ${all}` }];
  }
  if (app.command?.[0] === "") {
    const message = "the first word of `command` is empty";
    return [{ path: [...app.path, "command", 0], at: "value", message, suggestion: "write the program" }];
  }
  return first === "image" ? imageFindings(app) : [];
}

/** An image is run as it is. */
function imageFindings(app: AppDraft): Finding[] {
  const given = (["workingDir", "build"] as const).filter((key) => app[key] !== undefined);
  return given.map((key) => ({
    path: [...app.path, key],
    at: "key",
    message: `${quote(key)} does not apply to \`image\`, which is run as it is`,
    suggestion: "remove it",
  }));
}

/** What a workload may have depends on who runs its trust domain. */
function placeFindings(workload: WorkloadDraft, draft: Draft): Finding[] {
  const domain = domainOf(draft, workload);
  if (domain === undefined) return [];
  const unwanted = domain.external === undefined ? ["address"] : ["app", "publish", "expose"];
  const reason = domain.external === undefined ? "this mesh runs it" : "somebody else runs it";
  const findings = unwanted.flatMap((key): Finding[] => {
    const given = child(workload.part, key);
    if (given === undefined) return [];
    const message = `${quote(workload.name)} cannot have ${quote(key)}: ${reason}`;
    return [{ path: given.path, at: "key", message, suggestion: "remove it" }];
  });
  const hasApp = child(workload.part, "app") !== undefined || isMisspelt(workload.part.value, "app");
  if (domain.external === undefined && !hasApp) {
    const message = `${quote(workload.name)} has no \`app\``;
    findings.push({
      path: workload.path,
      at: "key",
      message,
      suggestion: "write `app: {node: apps/quotes/server.ts}` below it",
    });
  }
  return findings;
}
