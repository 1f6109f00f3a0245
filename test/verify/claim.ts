// What a claim is: one row of the attack matrix, its attempts, and where its refusal must show. A refusal counts only when
// three witnesses agree: the attacker saw it after writing and reading, the sidecar counted it under the expected
// cause, the app received nothing. Beside it stands a control that succeeds on the same listener.

import type { AttemptResult } from "../../scripts/output/verify-report.ts";
import type { KeyedMesh } from "./instance/keyed-mesh.ts";
import type { LiveMesh } from "./instance/live-mesh.ts";
import type { PrivateMesh } from "./instance/private-mesh.ts";
import type { Seen } from "./instance/probe.ts";

export interface Claim {
  /** Of the matrix: `A7`. */
  readonly id: string;
  /** A fact, without a full stop. */
  readonly title: string;
  /** Of a standard, an advisory, or Envoy's documentation. */
  readonly clause: string;
  /** Empty only with `notHere`; not tried when it gives a reason. */
  readonly attempts: readonly Attempt[];
  /** Why this row of the matrix cannot apply to this mesh. */
  readonly notHere?: string | ((mesh: PrivateMesh) => string | undefined);
  /**
   * What of it can be tried on a mesh that serves: with nothing that is the mesh's own in the attacker's hands, and nothing
   * changed even if it succeeded. Of a row without any, why-not-live.ts says why.
   */
  readonly live?: readonly Attempt<LiveMesh>[];
}

/** Undefined when the row is tried. */
export function whyNotHere({ notHere }: Claim, mesh: PrivateMesh): string | undefined {
  return typeof notHere === "function" ? notHere(mesh) : notHere;
}

export interface Attempt<Mesh extends LiveMesh = PrivateMesh> {
  /** What was tried. */
  readonly tried: string;
  readonly run: (mesh: Mesh) => Promise<Seen>;
  readonly expected: Expectation<Mesh>;
  /** What is expected instead on this edge, which is inside one trust domain, say; undefined: nothing else. */
  readonly instead?: (mesh: Mesh) => Expectation<Mesh> | undefined;
  /** Why it cannot be tried on this edge, whose caller has no page, say. */
  readonly notHere?: (mesh: Mesh) => string | undefined;
  /** The same where nobody stands in for an app or between the sidecars: in containers. Absent: it takes that. */
  readonly keyed?: Attempt<KeyedMesh>;
}

export type Expectation<Mesh extends LiveMesh = PrivateMesh> = Refused<Mesh> | Admitted<Mesh> | Denied<Mesh> | Ended;

/** Served at first, and ended by the other side in time: what `run` saw last is a closed connection. */
export interface Ended {
  readonly kind: "ended";
}

/** Refused around the sidecars' listeners, where no counter grows: the attacker's own words, and a control by the same means. */
export interface Denied<Mesh extends LiveMesh = PrivateMesh> {
  readonly kind: "denied";
  readonly by:
    | "the file system"
    | "the kernel"
    | "SPIRE Agent"
    | "SPIRE Server"
    | "the controller"
    | "Envoy"
    | "every process";
  /** What the attacker must be told. */
  readonly saw: RegExp;
  /** The same means in rightful hands: without it the attempt proves nothing. */
  readonly control: {
    readonly tried: string;
    readonly run: (mesh: Mesh) => Promise<Seen>;
    readonly saw: RegExp;
  };
}

/** Refused for this reason and no other. */
export interface Refused<Mesh extends LiveMesh = PrivateMesh> {
  readonly kind: "refused";
  /** Which sidecar refuses: the callee's (`inbound`); or the caller's (`outbound`), a false callee or who comes to its page. */
  readonly by: "inbound" | "outbound";
  /** Name of the counter that must grow; see SidecarWitness. */
  readonly counter: string;
  /** What the sidecar's access log must say: of the connection, or of the request. */
  readonly reason: RegExp;
  /** Status that the attacker gets, where HTTP is spoken by then. */
  readonly status?: readonly number[];
  /** What must be true of what the app received, where it may receive anything: of a refused answer, the request. */
  readonly received?: Look<readonly string[], Mesh>;
}

/** A sentence when it is not as it must be. */
export type Look<What, Mesh extends LiveMesh = PrivateMesh> = (what: What, mesh: Mesh) => string | undefined;

/** Not refused: because it is harmless, because it was made harmless, or as a known gap. `why` stands in the threat model. */
export interface Admitted<Mesh extends LiveMesh = PrivateMesh> {
  readonly kind: "admitted";
  readonly why: string;
  /** What must be true of what the attacker saw; 200 unless given. */
  readonly seen?: Look<Seen, Mesh>;
  /** What must be true of what the app received, connection by connection. */
  readonly received?: Look<readonly string[], Mesh>;
}

/** What each witness said of one attempt; `problem` is about the attempt alone. */
export interface Evidence extends AttemptResult {
  /** Why it was not tried at all. */
  readonly untried?: string;
  /** Why the rightful request beside it failed; then the attempt proves nothing. */
  readonly uncontrolled?: string;
}
