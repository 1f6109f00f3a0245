// ./mesh logs: the last lines of each log, and with -f what is written from now on.

import { exitStatus, MeshError } from "../errors.ts";
import { paintResult, printable, printResult } from "../output/print.ts";
import type { Context } from "./context.ts";
import { openRuntime } from "./open-runtime.ts";

export interface LogsOptions {
  readonly names: readonly string[];
  readonly follow: boolean;
  /** As it was typed. */
  readonly lines: string;
}

const colours = ["cyan", "magenta", "yellow", "green", "blue"] as const;

/** Also after the mesh has stopped, as long as its logs are there. */
export async function logs(context: Context, options: LogsOptions): Promise<number> {
  const { names, follow } = options;
  const { signal } = context;
  const { runtime, plan, phase } = await openRuntime(context);
  if (phase === "absent" || plan === undefined)
    throw new MeshError("MESH_NOT_UP", "there are no logs: the mesh is not up", { fix: "./mesh up" });
  const known = plan.processes.map(({ name }) => name);
  const width = Math.max(...(names.length === 0 ? known : names).map(({ length }) => length));
  try {
    for await (const { process, text } of runtime.logs(names, { lines: lineCount(options.lines), follow, signal })) {
      const colour = colours[known.indexOf(process) % colours.length] ?? "cyan";
      const line = printable(text);
      printResult(names.length === 1 ? line : `${paintResult(colour, process.padEnd(width))}  ${line}`);
    }
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!signal.aborted) throw error;
  }
  return exitStatus.ok;
}

function lineCount(typed: string): number {
  if (/^\d{1,6}$/.test(typed)) return Number(typed);
  throw new MeshError("MESH_USAGE", `--lines takes a number, not ${typed}`, { fix: "./mesh logs --lines 100" });
}
