// What a command and the supervisor say to each other: one JSON object a line, over the supervisor's Unix socket. A
// connection carries one request and its answer, or the events of `exits` until it is closed.

import type { ProcessIdentity } from "../proc.ts";
import type { ProcessStatus, Started } from "../runtime.ts";

/** Raised when a request or an answer changes its meaning. */
export const protocolVersion = 1;

export function supervisorSocket(runDir: string): string {
  return `${runDir}/supervisor.sock`;
}

/** A process as the supervisor is told to run it: nothing is left to decide. */
export interface Spec {
  readonly name: string;
  /** Equal for two specs when the running process need not be restarted. */
  readonly fingerprint: string;
  /** Program first. */
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Run before the first start and before each that was asked for; not after a death. */
  readonly build?: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> };
  /** Removed before each start: what a dead process left of its Unix sockets. */
  readonly sockets: readonly string[];
  readonly logFile: string;
  /** Of the log file: a program that opens /dev/stdout again must be allowed to. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Names of the processes that it depends on, and so is ended before. */
  readonly after: readonly string[];
}

export type Request =
  | { readonly op: "hello" }
  | { readonly op: "start"; readonly specs: readonly Spec[] }
  | { readonly op: "stop"; readonly names: readonly string[]; readonly graceMs: number }
  | { readonly op: "restart"; readonly names: readonly string[]; readonly graceMs: number }
  | { readonly op: "list" }
  | { readonly op: "exits" }
  /** Ends every process, then the supervisor. */
  | { readonly op: "shutdown"; readonly graceMs: number };

export interface Answers {
  readonly hello: Hello;
  readonly start: Started;
  readonly stop: null;
  readonly restart: { readonly unknown: readonly string[] };
  readonly list: readonly ProcessStatus[];
  readonly exits: null;
  readonly shutdown: null;
}

export interface Hello extends ProcessIdentity {
  readonly protocol: number;
}

export type Answer =
  | { readonly ok: true; readonly result: Answers[Request["op"]] }
  /** A bug of the supervisor or of its client: expected problems are part of the results. */
  | { readonly ok: false; readonly error: string };

/** What `exits` sends after its answer. */
export interface ExitEvent {
  readonly exit: ProcessStatus;
}

export function toLine(message: Request | Answer | ExitEvent): string {
  return `${JSON.stringify(message)}\n`;
}
