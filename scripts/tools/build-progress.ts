// How far a build or download is: read from the lines a program prints, and reported at a steady pace.

import type { Report } from "../events.ts";
import { nextRound } from "../wait.ts";

/** What one line of `go list` or `go install -v` says; undefined: nothing about progress. */
export function parseGoLine(line: string): { readonly module: string } | { readonly package: string } | undefined {
  const module = /^go: downloading (\S+ \S+)$/u.exec(line)?.[1];
  if (module !== undefined) return { module };
  // `go install -v` prints each package's import path, alone on its line, when it begins to compile it.
  return /^[\w.~/-]+$/u.test(line) ? { package: line } : undefined;
}

export interface GoCounts {
  readonly modules: number;
  readonly compiled: number;
  /** Undefined until all modules are there. */
  readonly packages: number | undefined;
}

/** What is shown, with the fraction when the total is known. */
export interface Described {
  readonly message: string;
  readonly fraction?: number;
}

export function describeGoBuild({ modules, compiled, packages }: GoCounts): Described {
  if (packages === undefined) {
    return { message: modules === 0 ? "reading SPIRE's Go modules" : `downloading Go modules: ${modules} so far` };
  }
  if (compiled >= packages) return { message: "linking the programs", fraction: 1 };
  return { message: `compiled ${compiled} of ${packages} packages`, fraction: compiled / packages };
}

export function describeBytes(what: string, got: number, total: number | undefined): Described {
  if (total === undefined || total === 0) return { message: `${what}: ${megabytes(got)} MB` };
  const fraction = Math.min(1, got / total);
  return { message: `${what}: ${megabytes(got)} of ${megabytes(total)} MB`, fraction };
}

function megabytes(bytes: number): string {
  return (bytes / 1000 ** 2).toFixed(1);
}

const lookMs = 500;
/** Said again although nothing has changed, so that nobody thinks it has stopped. */
const unchangedMs = 2000;

/** Reports what `describe` returns, at once when it changes (to half a second), until disposed of. */
export function reportSteadily(
  { stage, report }: { readonly stage: string; readonly report: Report },
  describe: () => Described | Promise<Described>,
): AsyncDisposable {
  const over = new AbortController();
  const loop = async (): Promise<void> => {
    let before = "";
    let unchanged = 0;
    for (;;) {
      await nextRound(lookMs, over.signal);
      if (over.signal.aborted) return;
      const described = await describe();
      unchanged = described.message === before ? unchanged + lookMs : 0;
      if (unchanged > 0 && unchanged % unchangedMs !== 0) continue;
      before = described.message;
      report({ kind: "progress", stage, ...described });
    }
  };
  const running = loop();
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await running;
    },
  };
}
