// Prints whatever ended a command and says with which status to exit: an expected problem as what, why and fix;
// anything else as a bug, with its stack.

import { MeshError, errorCatalogue, exitStatus, messageOf } from "../errors.ts";
import { paintNote, printable, printNote, type Paint } from "./print.ts";

/** Prints the error on standard error and returns the exit status. */
export function printError(error: unknown): number {
  printNote(formatError(error, paintNote));
  return error instanceof MeshError ? error.exitStatus : exitStatus.bug;
}

/**
 * The lines of an error. The most important comes first and the command that mends it stands alone, so that it can be
 * copied.
 */
export function formatError(error: unknown, paint: Paint): string {
  return (error instanceof MeshError ? problemLines(error, paint) : bugLines(error, paint)).join("\n");
}

function problemLines(error: MeshError, paint: Paint): string[] {
  const lines = [`${paint(["bold", "red"], `error[${error.code}]:`)} ${printable(error.message)}`];
  for (const detail of error.details) lines.push(`  ${printable(detail)}`);
  for (const cause of causesOf(error)) lines.push(paint("dim", `  because: ${printable(cause)}`));
  if (error.fix !== undefined) lines.push(`${paint(["bold", "green"], "fix:")} ${error.fix}`);
  lines.push(paint("dim", `${errorCatalogue[error.code].title}: docs/errors.md#${error.code.toLowerCase()}`));
  return lines;
}

/** Messages of the chain of causes that the ones before them do not already tell. A chain may run in a circle. */
function causesOf(error: Error): string[] {
  const told: string[] = [];
  const seen = new Set<unknown>([error]);
  for (let cause = error.cause; cause !== undefined && !seen.has(cause);) {
    seen.add(cause);
    const message = messageOf(cause);
    if (message !== "" && ![error.message, ...told].some((before) => before.includes(message))) told.push(message);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return told;
}

function bugLines(error: unknown, paint: Paint): string[] {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    `${paint(["bold", "red"], "bug:")} ${messageOf(error)}`,
    paint("dim", stack),
    "This is a fault of the software, not of what you did. Please report it with the lines above and `./mesh --version`.",
  ];
}
