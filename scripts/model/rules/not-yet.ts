// What the language has and this version does not build. One plain sentence each, only when nothing else is wrong.

import type { DomainDraft, Draft, WorkloadDraft } from "../draft.ts";
import { child, type Part } from "../part.ts";
import { quote, write, type Finding } from "../problem.ts";

export function notYetFindings({ domains, workloads }: Draft): Finding[] {
  return [...domains.flatMap(ofDomain), ...workloads.flatMap(ofWorkload)];
}

function notYet(part: Part | undefined, what: string, suggestion: string): Finding[] {
  if (part === undefined) return [];
  return [{ path: part.path, at: "key", message: `${what} is not built yet`, suggestion, kind: "not-yet" }];
}

function ofDomain({ domain, external, bundleEndpoint, profile }: DomainDraft): Finding[] {
  const exposed = child(bundleEndpoint, "expose");
  return [
    ...notYet(external, "a trust domain that somebody else runs", `write ${quote(`${domain}: {}`)} to run it here`),
    ...(external === undefined && profile?.value === "https_web"
      ? notYet(child(bundleEndpoint, "profile"), "`https_web`", "write `profile: https_spiffe`, without `acme`")
      : []),
    ...notYet(exposed, "`expose`", "remove it: the bundle endpoint is reachable inside the mesh"),
  ];
}

function ofWorkload({ app, publish, part }: WorkloadDraft): Finding[] {
  const plain = publish === undefined ? "" : `${publish.value.host}:${publish.value.port}`;
  return [
    ...(app?.kinds.includes("image") === true && app.command !== undefined
      ? notYet(
          child(child(part, "app"), "image"),
          "`image` beside `command`",
          "write one of them: `command` runs on this machine, `image` in a container",
        )
      : []),
    ...(publish?.value.https === true
      ? notYet(child(part, "publish"), "publishing over HTTPS", write(`publish: ${plain}`))
      : []),
    ...notYet(child(part, "expose"), "`expose`", "remove it: the workload is reachable inside the mesh"),
    ...notYet(child(part, "address"), "the `address` of a workload that somebody else runs", "remove the workload"),
  ];
}
