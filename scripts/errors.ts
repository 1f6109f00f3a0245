// Every expected problem, for every stage: a code, what exit status it means, and one sentence that titles it.
// `docs/errors.md` has a heading per code; a test walks both lists.

/** Exit statuses of the command line (docs/errors.md). */
export const exitStatus = {
  /** Yes, or done. */
  ok: 0,
  /** The answer is no: not ready, denied, files differ. */
  no: 1,
  /** Could not: a port is taken, a program is absent, a wait timed out. */
  couldNot: 2,
  usage: 64,
  /** `mesh.yaml` or another input is wrong. */
  input: 65,
  bug: 70,
  interrupted: 130,
} as const;

const { input, usage, couldNot, no, interrupted } = exitStatus;

/** The catalogue: code → exit status and title. Titles are facts, not instructions. */
export const errorCatalogue = {
  MESH_USAGE: { exit: usage, title: "The command line was not understood" },
  MESH_FILE_MISSING: { exit: input, title: "mesh.yaml was not found" },
  MESH_FILE_INVALID: { exit: input, title: "mesh.yaml is not valid" },
  MESH_FILE_NOT_YET: { exit: input, title: "mesh.yaml asks for something this version does not build" },
  MESH_INPUT_INVALID: { exit: input, title: "An input file is not valid" },
  MESH_PLATFORM: { exit: couldNot, title: "The native runtime does not run on this platform" },
  MESH_PREREQUISITE: { exit: couldNot, title: "A program the build needs is missing or too old" },
  MESH_TOOL_OFFLINE: { exit: couldNot, title: "A tool is not in the cache and --offline forbids fetching it" },
  MESH_TOOL_FETCH: { exit: couldNot, title: "A tool could not be fetched or built" },
  MESH_TOOL_VERSION: { exit: couldNot, title: "A tool has the wrong version" },
  MESH_DISK_FULL: { exit: couldNot, title: "There is not enough disk space" },
  MESH_ENGINE_ABSENT: { exit: couldNot, title: "No Docker engine answers" },
  MESH_ENGINE_DENIED: { exit: couldNot, title: "The Docker engine's socket may not be opened" },
  MESH_ENGINE_OLD: { exit: couldNot, title: "The Docker engine is too old" },
  MESH_COMPOSE_ABSENT: { exit: couldNot, title: "Docker Compose was not found" },
  MESH_COMPOSE_OLD: { exit: couldNot, title: "Docker Compose is too old" },
  MESH_COMPOSE_FAILED: { exit: couldNot, title: "Docker Compose could not do what was asked" },
  MESH_IMAGE_ABSENT: { exit: couldNot, title: "An image is missing and cannot be pulled" },
  MESH_NEEDS_DOCKER: { exit: couldNot, title: "The native runtime cannot run a container image" },
  MESH_PROJECT_TAKEN: { exit: couldNot, title: "The Compose project is that of another folder" },
  MESH_RUNTIME_FIXED: { exit: couldNot, title: "The mesh is on the other runtime" },
  MESH_PORT_TAKEN: { exit: couldNot, title: "An address the mesh listens on is taken" },
  MESH_ADDRESS_UNUSABLE: { exit: couldNot, title: "An address the mesh listens on cannot be used here" },
  MESH_LOCKED: { exit: couldNot, title: "Another command is changing this mesh" },
  MESH_STATE_INVALID: { exit: couldNot, title: "The state folder cannot be used" },
  MESH_NOT_UP: { exit: no, title: "The mesh is not up" },
  MESH_NO_SUCH_PROCESS: { exit: usage, title: "No process of the mesh has that name" },
  MESH_SUPERVISOR: { exit: couldNot, title: "The supervisor did not start or does not answer" },
  MESH_PROCESS_FAILED: { exit: couldNot, title: "A process of the mesh did not start" },
  MESH_TIMEOUT: { exit: couldNot, title: "A condition did not come true in time" },
  MESH_UPDATE_REJECTED: { exit: couldNot, title: "Envoy rejected an update; the old configuration serves on" },
  MESH_NO_SUCH_WORKLOAD: { exit: usage, title: "The mesh has no workload of that name" },
  MESH_CONTRACT_BROKEN: { exit: no, title: "An app does not keep the app contract" },
  MESH_CANARY_WORSE: { exit: no, title: "A new app answered worse than the one that serves" },
  MESH_NO_WATCH: { exit: couldNot, title: "An app cannot be run so that edits reach it" },
  MESH_SPIRE_API: { exit: couldNot, title: "SPIRE Server refused or did not answer a call" },
  MESH_BUNDLE_UNUSABLE: { exit: couldNot, title: "A trust domain's own bundle is one that no partner takes" },
  MESH_CONTROLLER: { exit: couldNot, title: "A controller refused or did not answer" },
  MESH_INTERRUPTED: { exit: interrupted, title: "Interrupted" },
} as const satisfies Record<string, { exit: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface MeshErrorOptions {
  /** The mending command or edit, in one line; shown after `fix:`. */
  readonly fix?: string;
  /** More lines: every problem of a file, the last log lines of a process. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/**
 * An expected problem: printed as what, why and fix, never with a stack. Anything else that is thrown is a bug
 * (exit 70).
 */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
    this.details = options.details ?? [];
  }

  get exitStatus(): number {
    return errorCatalogue[this.code].exit;
  }
}

/** The message of anything thrown, for use inside another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`, …), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}
