// docs/threat-model.md: the claims and the protections as a page, between the prose that they need.

import { inShort } from "../../scripts/output/verify-untried.ts";
import { groups } from "../../scripts/output/verify-table.ts";
import { protections } from "../../scripts/render/protections.ts";
import type { Claim } from "./claim.ts";
import { whyNeverTaken } from "./weakenings.ts";

const intro = `# Threat model

What the mesh defends, by which layer, and what it does not. The tables are generated from the claims that \`./mesh verify\` tries on a private
instance and from the table of protections that the configuration is rendered from: \`npx vitest run --project verify threat-model -u\` writes this page anew,
and the tests hold it to them.

## Who attacks

- **A workload of a federated trust domain**, and that **domain's CA**: it can mint any identity of its own domain, and tries to be somebody else's.
- **A trust domain that is not federated with**, and whoever has no identity at all.
- **The network** between two sidecars, and between two SPIRE Servers: it reads, changes, redirects.
- **The rightful caller**, misbehaving: other routes, forged headers, malformed and endless requests.
- **An app** behind a sidecar, and **other users** of the machine: they try to get an SVID, or past a proxy.

## What is defended, and where

| asset | layer | by |
| ----- | ----- | -- |
| an app's routes | the callee's sidecar | TLS 1.3, a client certificate, the bundle of the caller's own trust domain, the exact SPIFFE ID, one URI SAN, the rules of \`calls\` |
| a caller's request | the caller's sidecar | the same towards whoever answers; nothing is sent before |
| what crosses between them | both sidecars | TLS 1.3, a handshake for each connection; between our own sidecars a key exchange that is post-quantum too (X25519MLKEM768), which nobody else is made to use |
| who calls, as the app reads it | the callee's sidecar | \`x-forwarded-client-cert\` is written by it alone |
| SVIDs and their keys | SPIRE Agent | attestation by Unix user, a socket that only sidecars can open |
| the CA | SPIRE Server | its admin socket is its controller's, its data is its own user's |
| trust between domains | SPIRE Server | \`https_spiffe\`: a bundle counts when the partner's own SVID served it |
| the sidecar itself | Envoy, the OS | limits, timeouts, an admin socket that only its controller can open |

## What is not

- **Whoever holds a workload's key is that workload** until its SVID expires (A33).
- **A CA can misuse its own trust domain.** A partner's CA names its own workloads as it likes; nothing here limits which of them exist.
- **Root, and on docker whoever may use the engine**, can read every key on the machine. Without root natively, so can every process of the mesh.
- **A partner can withdraw.** Traffic analysis, and an outage of a partner's bundle endpoint that lasts longer than its CA, are not defended against.
- **A partner's bundle endpoint is trusted to send anywhere**: SPIRE Server follows its redirects, also to plain HTTP, and takes an earlier bundle after a
  later one (G19, G21). Only whoever holds that endpoint's key can do so, and only that partner's workloads are concerned.
- **A partner's bundle endpoint may answer without end**: SPIRE Server keeps all of it in memory before it judges it (seen natively:
  700 MiB sent, 1.8 GB held). In containers it has a memory limit, beyond which the kernel ends it and the engine starts it again; natively it has none.
- **What a partner publishes is judged after SPIRE has taken it**: a bundle that no sidecar can take in is out within a pass of the controller
  (up to 15 s). A sidecar that starts in that time waits for it; an agent that syncs in it hands it on until its next sync, 5 s later, and handshakes may fail
  (G22).
- **SPIRE Server's own ports take what Go's TLS takes**: TLS 1.2 and key exchanges that are not post-quantum (G23). Agents insist on a post-quantum one.
- **Natively an app that can only do TCP** (\`listen\`) is reached by every user of the machine, past its sidecar: G1 and G2 are about apps on a socket. In
  containers it shares its sidecar's network namespace, and nobody else does.
- **The app's own faults.** A request that its rules allow reaches it as it is, apart from the path's normal form.
`;

export function threatModel(claims: readonly Claim[]): string {
  const byGroup = Map.groupBy(claims, ({ id }) => id.slice(0, 1));
  const sections = [...byGroup].map(([group, some]) => `### ${group}. ${groups[group] ?? ""}\n\n${claimTable(some)}`);
  return `${intro}
## The claims

${claims.length} rows. *Refused*: every attempt, for the reason that is expected, or the row is red. *Admitted*: as stated. *Not here*: the row cannot
apply. *Depends*: on whether the mesh runs as root.

Beside every attempt stands the rightful caller, who is served: with its own SVID where the attacker was, and through its sidecar over a new connection, of
which both sidecars count one handshake, of TLS 1.3, by X25519MLKEM768, and no session resumed.

Certificates are shown in both directions: by a caller to the callee's sidecar, and, where it says *as the callee*, by who answers in the callee's place to
the caller's. Row A6 is possible in neither, and A32 is tried elsewhere.

\`./mesh verify --live\` tries on the mesh that is up what is harmless of ${inShort(claims.filter(({ live }) => live !== undefined).map(({ id }) => id))}:
with nothing of that mesh in the attacker's hands, and changing nothing even if it succeeded. It says of every other row why it is not tried there.

\`./mesh verify --runtime docker\` has its private instance in containers, where a container beside the callee's sidecar attacks: it tries what takes nobody in the
place of an app or of the callee, and says of the rest why not. What containers themselves keep apart is proven by \`test/docker/isolation\`.

Where caller and callee are of one trust domain the rows about certificates, A, B, C15 and C17, are tried too: no partner's bundle is there, so whoever comes from a
partner is refused sooner than across trust domains, for want of one.

${sections.join("\n\n")}

## The protections

Each is one field of the configuration, which says beside it what becomes possible without it. \`./mesh verify --mutations\` takes each away alone, and a
claim that guards it must notice; \`--full\` tries every claim meanwhile. What cannot be taken away is counted apart, with its reason; what could not, and should
have been, is a failure.

${table(
  ["protection", "without it", "rests on", "guarded by"],
  protections.map(({ id, without, clause, guardedBy }) => [
    id,
    without,
    clause,
    [guardedBy.join(", "), ...notTaken(id)].join(" "),
  ]),
)}
`;
}

function notTaken(id: string): string[] {
  const why = whyNeverTaken({ id });
  return why === undefined ? [] : [`(not taken away: ${why})`];
}

function claimTable(claims: readonly Claim[]): string {
  return table(
    ["", "claim", "rests on", "tried", "so"],
    claims.map((claim) => [
      claim.id,
      claim.title,
      claim.clause,
      claim.attempts.map(({ tried }) => tried).join("; "),
      outcome(claim),
    ]),
  );
}

function outcome({ attempts, notHere }: Claim): string {
  if (attempts.length === 0) return `not here: ${typeof notHere === "string" ? notHere : "see its file"}`;
  if (attempts.every(({ expected }) => expected.kind === "ended")) return "ended in time";
  const why = attempts.flatMap(({ expected }) => (expected.kind === "admitted" ? [expected.why] : []));
  const depends = typeof notHere === "function" ? "; depends" : "";
  if (why.length === 0) return `refused${depends}`;
  const some = why.length < attempts.length ? "refused, or admitted" : "admitted";
  return `${some}: ${[...new Set(why)].join("; ")}${depends}`;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(/\s+/g, " ");
}
