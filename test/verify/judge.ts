// Carries out one attempt of a claim and hears its witnesses.

import { until } from "../../scripts/wait.ts";
import type { Admitted, Attempt, Denied, Evidence, Expectation, Refused } from "./claim.ts";
import { inWords, reasonOf, receivedInWords } from "./in-words.ts";
import { requestsIn } from "./instance/app-witness.ts";
import type { LiveMesh } from "./instance/live-mesh.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";
import type { Seen } from "./instance/probe.ts";
import type { AccessLogEntry, SidecarView, SidecarWitness } from "./instance/sidecar-witness.ts";
import { control } from "./instance/control.ts";

/** Where an attempt is judged: how the app is heard, and what stands beside it. */
export interface Court<Mesh extends LiveMesh> {
  /** What the app received since this was asked last; undefined: this app cannot be asked. */
  readonly received: (mesh: Mesh) => readonly string[] | undefined;
  /** The rightful request; empty when it is as it should be. */
  readonly control: (mesh: Mesh) => Promise<string>;
  /** In words, when it is. */
  readonly controlled: string;
  /** How long a sidecar may take to tell. */
  readonly witnessMs: number;
}

/** The test stands in the app's place, and Envoy's log comes at once. */
const privateCourt: Court<PrivateMesh> = {
  received: ({ app }) => app.take(),
  control,
  controlled: "200, and between the sidecars by TLS 1.3, X25519MLKEM768, a new session",
  witnessMs: 1500,
};

export function judge(mesh: PrivateMesh, attempt: Attempt): Promise<Evidence> {
  return judgeIn(privateCourt, mesh, attempt);
}

export async function judgeIn<Mesh extends LiveMesh>(
  court: Court<Mesh>,
  mesh: Mesh,
  attempt: Attempt<Mesh>,
): Promise<Evidence> {
  const untried = attempt.notHere?.(mesh);
  return untried === undefined ? hearWitnesses(court, mesh, attempt) : notTried(attempt, untried);
}

function notTried({ tried }: Pick<Attempt, "tried">, reason: string): Evidence {
  const none = `not tried: ${reason}`;
  const sidecar = { counters: {}, reason: "" };
  return { tried, untried: reason, attacker: none, sidecar, app: none, control: none, milliseconds: 0 };
}

async function hearWitnesses<Mesh extends LiveMesh>(
  court: Court<Mesh>,
  mesh: Mesh,
  attempt: Attempt<Mesh>,
): Promise<Evidence> {
  const { tried } = attempt;
  const expected = attempt.instead?.(mesh) ?? attempt.expected;
  const witness = expected.kind === "refused" && expected.by === "outbound" ? mesh.caller.witness : mesh.callee.witness;
  court.received(mesh);
  const before = await witness.look();
  const begun = performance.now();
  const { seen, failure } = await carriedOut(mesh, attempt);
  const milliseconds = performance.now() - begun;
  const heard =
    expected.kind === "refused"
      ? await hear(witness, before, { ...expected, deadlineMs: court.witnessMs })
      : { counters: await witness.grown(before), entry: undefined };
  const received = court.received(mesh);
  const own = expected.kind === "denied" ? inWords(await expected.control.run(mesh)) : undefined;
  const controlled = await court.control(mesh);
  const problem =
    failure ?? problemWith(expected, { mesh, seen, ...heard, received: received ?? [] }) ?? handshakeProblem(heard);
  const uncontrolled = [
    expected.kind === "denied" && own !== undefined ? ownControlProblem(expected, own) : undefined,
    controlled === "" ? undefined : `the control failed: ${controlled}`,
  ].filter((one) => one !== undefined);
  return {
    tried,
    attacker: inWords(seen),
    sidecar: { counters: Object.fromEntries(heard.counters), reason: reasonOf(heard.entry) },
    app: receivedInWords(received),
    control: [own, controlled === "" ? court.controlled : controlled].filter((one) => one !== undefined).join("; "),
    milliseconds,
    ...(problem === undefined ? {} : { problem }),
    ...(uncontrolled.length === 0 ? {} : { uncontrolled: uncontrolled.join("; ") }),
  };
}

/** An attempt that comes to no end, because something else happens than it is made for, is a finding and no accident. */
async function carriedOut<Mesh extends LiveMesh>(
  mesh: Mesh,
  { run }: Attempt<Mesh>,
): Promise<{ seen: Seen; failure?: string }> {
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
async function hear(
  witness: SidecarWitness,
  before: SidecarView,
  expected: Pick<Refused, "counter" | "reason"> & { readonly deadlineMs: number },
): Promise<Heard> {
  let heard: Heard = { counters: new Map(), entry: undefined };
  const look = async (): Promise<boolean> => {
    const [counters, entries] = await Promise.all([witness.grown(before), witness.entries(before)]);
    const entry = entries.find((one) => expected.reason.test(reasonOf(one))) ?? entries.at(-1);
    heard = { counters, entry };
    return counters.has(expected.counter) && expected.reason.test(reasonOf(entry));
  };
  try {
    await until("the sidecar tells the cause", look, { deadlineMs: expected.deadlineMs, intervalMs: 5 });
  } catch {
    // Told by the evidence: what was heard instead.
  }
  return heard;
}

interface Witnesses<Mesh extends LiveMesh> extends Heard {
  readonly mesh: Mesh;
  readonly seen: Seen;
  readonly received: readonly string[];
}

function problemWith<Mesh extends LiveMesh>(
  expected: Expectation<Mesh>,
  witnesses: Witnesses<Mesh>,
): string | undefined {
  if (expected.kind === "refused") return refusalProblem(expected, witnesses);
  if (expected.kind === "denied") return denialProblem(expected, witnesses);
  return expected.kind === "ended" ? endProblem(witnesses) : admissionProblem(expected, witnesses);
}

function endProblem({ seen }: Pick<Witnesses<LiveMesh>, "seen">): string | undefined {
  return seen.kind === "closed" ? undefined : `it was not ended in time: ${inWords(seen)}`;
}

/** Whoever came to terms with the sidecar, for whatever reason, did so by TLS 1.3 and a handshake of his own. */
function handshakeProblem({ counters }: Heard): string | undefined {
  const others = [...counters.keys()].filter((name) => / ssl\.(session_reused|versions\.(?!TLSv1\.3$))/.test(name));
  return others.length === 0 ? undefined : `the sidecar counted it under ${others.join(", ")}`;
}

/** Where no sidecar is asked, it is the attacker's own words, and the app's silence. */
function denialProblem(
  { saw }: Pick<Denied, "saw">,
  { seen, received }: Pick<Witnesses<LiveMesh>, "seen" | "received">,
): string | undefined {
  const told = inWords(seen);
  return nothing(received) ?? (saw.test(told) ? undefined : `the attacker was told: ${told}`);
}

function ownControlProblem<Mesh extends LiveMesh>(
  { control: { tried, saw } }: Denied<Mesh>,
  told: string,
): string | undefined {
  return saw.test(told) ? undefined : `the control failed: ${tried}: ${told}`;
}

function refusalProblem<Mesh extends LiveMesh>(
  { counter, reason, status, received: look = nothing }: Refused<Mesh>,
  { mesh, seen, counters, entry, received }: Witnesses<Mesh>,
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

function admissionProblem<Mesh extends LiveMesh>(
  { seen: see = answeredProblem, received: look }: Admitted<Mesh>,
  { mesh, seen, received }: Witnesses<Mesh>,
): string | undefined {
  const problems = [see(seen, mesh), look?.(received, mesh)];
  const told = problems.filter((problem) => problem !== undefined);
  return told.length === 0 ? undefined : told.join("; ");
}

function answeredProblem(seen: Seen): string | undefined {
  return seen.kind === "http" && seen.status === 200 ? undefined : `it is refused now: ${inWords(seen)}`;
}
