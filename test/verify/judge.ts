// Carries out one attempt of a claim and hears its witnesses.

import { until } from "../../scripts/wait.ts";
import type { Admitted, Attempt, Denied, Evidence, Expectation, Refused } from "./claim.ts";
import { requestsIn } from "./instance/app-witness.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";
import type { Seen } from "./instance/probe.ts";
import type { AccessLogEntry, SidecarView, SidecarWitness } from "./instance/sidecar-witness.ts";
import { control } from "./instance/control.ts";

const witnessMs = 1500;

export async function judge(mesh: PrivateMesh, attempt: Attempt): Promise<Evidence> {
  const untried = attempt.notHere?.(mesh);
  return untried === undefined ? hearWitnesses(mesh, attempt) : notTried(attempt, untried);
}

function notTried({ tried }: Attempt, reason: string): Evidence {
  const none = `not tried: ${reason}`;
  return { tried, attacker: none, sidecar: { counters: {}, reason: "" }, app: none, control: none, milliseconds: 0 };
}

async function hearWitnesses(mesh: PrivateMesh, attempt: Attempt): Promise<Evidence> {
  const { tried } = attempt;
  const expected = attempt.instead?.(mesh) ?? attempt.expected;
  const witness = expected.kind === "refused" && expected.by === "outbound" ? mesh.caller.witness : mesh.callee.witness;
  mesh.app.take();
  const before = await witness.look();
  const begun = performance.now();
  const { seen, failure } = await carriedOut(mesh, attempt);
  const milliseconds = performance.now() - begun;
  const heard =
    expected.kind === "refused"
      ? await hear(witness, before, expected)
      : { counters: await witness.grown(before), entry: undefined };
  const received = mesh.app.take();
  const own = expected.kind === "denied" ? inWords(await expected.control.run(mesh)) : undefined;
  const controlled = await control(mesh);
  const problem = failure ?? problemWith(expected, { mesh, seen, ...heard, received }) ?? handshakeProblem(heard);
  const uncontrolled = [
    expected.kind === "denied" && own !== undefined ? ownControlProblem(expected, own) : undefined,
    controlled === "" ? undefined : `the control failed: ${controlled}`,
  ].filter((one) => one !== undefined);
  return {
    tried,
    attacker: inWords(seen),
    sidecar: { counters: Object.fromEntries(heard.counters), reason: reasonOf(heard.entry) },
    app: received.length === 0 ? "received nothing" : `received ${JSON.stringify(requestsIn(received))}`,
    control: [
      own,
      controlled === "" ? "200, and between the sidecars by TLS 1.3, X25519MLKEM768, a new session" : controlled,
    ]
      .filter((one) => one !== undefined)
      .join("; "),
    milliseconds,
    ...(problem === undefined ? {} : { problem }),
    ...(uncontrolled.length === 0 ? {} : { uncontrolled: uncontrolled.join("; ") }),
  };
}

/** An attempt that comes to no end, because something else happens than it is made for, is a finding and no accident. */
async function carriedOut(mesh: PrivateMesh, { run }: Attempt): Promise<{ seen: Seen; failure?: string }> {
  try {
    return { seen: await run(mesh) };
  } catch (error) {
    const failure = `the attempt failed: ${error instanceof Error ? error.message : String(error)}`;
    return { seen: { kind: "told", text: failure }, failure };
  }
}

interface Heard {
  readonly counters: Map<string, number>;
  readonly entry: AccessLogEntry | undefined;
}

/** Waits for what is expected; what is not, is told as it was. */
async function hear(witness: SidecarWitness, before: SidecarView, expected: Refused): Promise<Heard> {
  let heard: Heard = { counters: new Map(), entry: undefined };
  const look = async (): Promise<boolean> => {
    const [counters, entries] = await Promise.all([witness.grown(before), witness.entries(before)]);
    const entry = entries.find((one) => expected.reason.test(reasonOf(one))) ?? entries.at(-1);
    heard = { counters, entry };
    return counters.has(expected.counter) && expected.reason.test(reasonOf(entry));
  };
  try {
    await until("the sidecar tells the cause", look, { deadlineMs: witnessMs, intervalMs: 5 });
  } catch {
    // Told by the evidence: what was heard instead.
  }
  return heard;
}

interface Witnesses extends Heard {
  readonly mesh: PrivateMesh;
  readonly seen: Seen;
  readonly received: readonly string[];
}

function problemWith(expected: Expectation, witnesses: Witnesses): string | undefined {
  if (expected.kind === "refused") return refusalProblem(expected, witnesses);
  if (expected.kind === "denied") return denialProblem(expected, witnesses);
  return expected.kind === "ended" ? endProblem(witnesses) : admissionProblem(expected, witnesses);
}

function endProblem({ seen }: Witnesses): string | undefined {
  return seen.kind === "closed" ? undefined : `it was not ended in time: ${inWords(seen)}`;
}

/** Whoever came to terms with the sidecar, for whatever reason, did so by TLS 1.3 and a handshake of his own. */
function handshakeProblem({ counters }: Heard): string | undefined {
  const others = [...counters.keys()].filter((name) => / ssl\.(session_reused|versions\.(?!TLSv1\.3$))/.test(name));
  return others.length === 0 ? undefined : `the sidecar counted it under ${others.join(", ")}`;
}

/** Where no sidecar is asked, it is the attacker's own words, and the app's silence. */
function denialProblem({ saw }: Denied, { seen, received }: Witnesses): string | undefined {
  const told = inWords(seen);
  return nothing(received) ?? (saw.test(told) ? undefined : `the attacker was told: ${told}`);
}

function ownControlProblem({ control: { tried, saw } }: Denied, told: string): string | undefined {
  return saw.test(told) ? undefined : `the control failed: ${tried}: ${told}`;
}

function refusalProblem(
  { counter, reason, status, received: look = nothing }: Refused,
  { mesh, seen, counters, entry, received }: Witnesses,
): string | undefined {
  const problems = [
    attackerProblem(seen, status),
    counters.has(counter)
      ? undefined
      : `the sidecar did not count it under ${counter} but under ${[...counters.keys()].join(", ") || "nothing"}`,
    reason.test(reasonOf(entry)) ? undefined : `the sidecar gives another reason: ${reasonOf(entry) || "none"}`,
    look(received, mesh),
  ].filter((problem) => problem !== undefined);
  return problems.length === 0 ? undefined : problems.join("; ");
}

function nothing(received: readonly string[]): string | undefined {
  return received.length === 0 ? undefined : `the app received ${JSON.stringify(requestsIn(received))}`;
}

/** An alert, or a closed connection, which can overtake it; or HTTP with the status that is expected. Silence is none. */
function attackerProblem(seen: Seen, status: readonly number[] | undefined): string | undefined {
  if (seen.kind === "timeout") return "the attacker got no answer at all";
  if (status === undefined) return seen.kind === "http" ? `the attacker got ${seen.status}` : undefined;
  if (seen.kind !== "http") return `the attacker got no HTTP answer: ${inWords(seen)}`;
  return status.includes(seen.status) ? undefined : `the attacker got ${seen.status}`;
}

function admissionProblem(
  { seen: see = answeredProblem, received: look }: Admitted,
  { mesh, seen, received }: Witnesses,
): string | undefined {
  const problems = [see(seen, mesh), look?.(received, mesh)];
  const told = problems.filter((problem) => problem !== undefined);
  return told.length === 0 ? undefined : told.join("; ");
}

function answeredProblem(seen: Seen): string | undefined {
  return seen.kind === "http" && seen.status === 200 ? undefined : `it is refused now: ${inWords(seen)}`;
}

export function inWords(seen: Seen): string {
  if (seen.kind === "http") return `HTTP ${seen.status}`;
  if (seen.kind === "alert") return `TLS alert ${seen.name}`;
  if (seen.kind === "timeout") return "no answer";
  if (seen.kind === "told") return seen.text;
  return seen.code === undefined ? "connection closed" : `connection closed (${seen.code})`;
}

/** A refused connection has its failure, a refused request its details, a refused callee the upstream's failure. */
function reasonOf(entry: AccessLogEntry | undefined): string {
  if (entry === undefined) return "";
  const { failure, upstream_failure: upstream, details } = entry;
  const said = [failure, upstream, details].filter((text) => text !== undefined && text !== null);
  return said.map(inWordsOf).join("; ");
}

/** `TLS_error:|268435581:SSL_routines:OPENSSL_internal:…:_SAN_match:TLS_error_end` without the library's own frame. */
function inWordsOf(text: string): string {
  return text
    .replaceAll(/\|?\d{6,}:/g, "")
    .replaceAll(/TLS_error:|:?TLS_error_end|SSL_routines:|OPENSSL_internal:/g, "")
    .replaceAll("_", " ")
    .trim();
}
