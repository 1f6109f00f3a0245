// Shows StageEvents on standard error. On a terminal one line, the latest running stage, is rewritten in place
// with a spinner and the time it took so far; elsewhere plain lines, at most one every five seconds for a long step.

import type { Report, StageEvent } from "../events.ts";
import { holdInPlaceLine, paintNote, type Paint } from "./print.ts";

export interface Progress {
  readonly report: Report;
  /** Erases the in-place line. To be called before anything else prints, and when the work is over. */
  readonly end: () => void;
}

export interface ProgressOptions {
  readonly stream?: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  readonly paint?: Paint;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly quiet?: boolean;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 80;
const plainIntervalMs = 5000;

/** Starts showing progress. Nothing is drawn until the first event. */
export function showProgress(options: ProgressOptions = {}): Progress {
  const { stream = process.stderr, paint = paintNote, now = () => performance.now(), quiet = false } = options;
  if (quiet) return { report: () => {}, end: () => {} };
  return stream.isTTY === true && process.env["TERM"] !== "dumb"
    ? inPlaceProgress(stream, paint, now)
    : plainProgress((line) => stream.write(`${line}\n`), paint, now);
}

function plainProgress(write: (line: string) => void, paint: Paint, now: () => number): Progress {
  const startedAt = new Map<string, number>();
  const printedAt = new Map<string, number>();
  const report = (event: StageEvent): void => {
    if (event.kind === "start") startedAt.set(event.stage, now());
    if (event.kind === "progress") {
      if (now() - (printedAt.get(event.stage) ?? startedAt.get(event.stage) ?? -plainIntervalMs) < plainIntervalMs)
        return;
      write(`${lineOf(event, paint)} (${formatElapsed(now() - (startedAt.get(event.stage) ?? now()))})`);
    } else {
      write(lineOf(event, paint));
    }
    printedAt.set(event.stage, now());
  };
  return { report, end: () => {} };
}

/** Stages may overlap; the line shows the latest that said something and is still running. */
function inPlaceProgress(
  stream: { readonly columns?: number; write(text: string): unknown },
  paint: Paint,
  now: () => number,
): Progress {
  const running = new Map<string, { readonly startedAt: number; readonly text: string }>();
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  const draw = (): void => {
    const [stage, current] = [...running].at(-1) ?? [];
    if (stage === undefined || current === undefined) return;
    const head = `${frames[frame++ % frames.length] ?? ""} ${stage.padEnd(stageWidth)} `;
    const elapsed = ` ${formatElapsed(now() - current.startedAt)}`;
    const room = Math.max(10, (stream.columns ?? 80) - head.length - elapsed.length - 1);
    stream.write(`\r\u001B[2K${paint("cyan", head)}${clip(current.text, room)}${paint("dim", elapsed)}`);
  };
  const erase = (): void => {
    stream.write("\r\u001B[2K");
  };
  const rest = (): void => {
    clearInterval(timer);
    timer = undefined;
    holdInPlaceLine(undefined);
  };
  const report = (event: StageEvent): void => {
    if (event.kind === "start" || event.kind === "progress") {
      const startedAt = running.get(event.stage)?.startedAt ?? now();
      running.delete(event.stage);
      running.set(event.stage, { startedAt, text: messageWithFraction(event) });
      timer ??= setInterval(draw, frameMs).unref();
      holdInPlaceLine(erase);
      draw();
      return;
    }
    if (timer !== undefined) erase();
    stream.write(`${lineOf(event, paint)}\n`);
    if (event.kind === "done") running.delete(event.stage);
    if (running.size === 0) rest();
    else draw();
  };
  return {
    report,
    end: () => {
      if (timer !== undefined) erase();
      rest();
      running.clear();
    },
  };
}

const stageWidth = 10;

function lineOf(event: StageEvent, paint: Paint): string {
  const stage = event.stage.padEnd(stageWidth);
  if (event.kind === "done") {
    return `${paint("green", "✓")} ${stage} ${event.message} ${paint("dim", formatElapsed(event.elapsedMs))}`;
  }
  if (event.kind === "warning") return `${paint("yellow", "!")} ${stage} ${event.message}`;
  return `${paint("cyan", "·")} ${stage} ${messageWithFraction(event)}`;
}

function messageWithFraction(event: Extract<StageEvent, { kind: "start" | "progress" }>): string {
  if (event.kind === "start" || event.fraction === undefined) return event.message;
  return `${event.message} ${Math.floor(Math.min(1, Math.max(0, event.fraction)) * 100)} %`;
}

/** `0.44 s`, `12.3 s`, `4 m 12 s`. */
function formatElapsed(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} m ${Math.floor(seconds % 60)} s`;
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
