// The only door to standard output and standard error. Results go to the one, everything said along the way to the
// other, so that a pipe gets results only.

import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colours text for a stream; the text itself when the stream is no terminal or the user asked for none. */
export type Paint = (format: Format, text: string) => string;

let eraseInPlaceLine: (() => void) | undefined;

/** Names what takes the in-place line off the terminal, so that whatever is printed begins on a line of its own. */
export function holdInPlaceLine(erase: (() => void) | undefined): void {
  eraseInPlaceLine = erase;
}

/**
 * Prints a command's result on standard output, with a line end. A reader that went away (`| head`) is not an error:
 * see `toleratePipeEnd`.
 */
export function printResult(text: string): void {
  eraseInPlaceLine?.();
  process.stdout.write(`${text}\n`);
}

/**
 * Text of others (logs, messages of programs) made safe to print: control characters, escape sequences among them, are
 * shown and not obeyed (CWE-150). Tabs and line ends stay.
 */
export function printable(text: string): string {
  return text.replace(
    /(?![\t\n])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Prints a command's result as JSON, indented by two. */
export function printJson(value: unknown): void {
  printResult(JSON.stringify(value, null, 2));
}

/** Prints a line on standard error: what is said beside the result. */
export function printNote(text: string): void {
  eraseInPlaceLine?.();
  process.stderr.write(`${text}\n`);
}

export const paintResult: Paint = (format, text) => paint(process.stdout, format, text);
export const paintNote: Paint = (format, text) => paint(process.stderr, format, text);

/** NO_COLOR and FORCE_COLOR are styleText's own work; TERM=dumb is not. */
function paint(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return process.env["TERM"] === "dumb" ? text : styleText(format, text, { stream });
}

/** Ends quietly, as other programs do by SIGPIPE, when the reader of standard output has gone. Called once, at start. */
export function toleratePipeEnd(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}
