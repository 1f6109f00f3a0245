// Counts what Go has downloaded and compiled, also over interruptions: Go does not name again what it has compiled
// before, so the names are kept in a file.

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { systemErrorCode } from "../errors.ts";
import { type GoCounts, parseGoLine } from "./build-progress.ts";

export interface GoTally {
  /** Takes a line of `go list` or `go install -v`. */
  readonly add: (line: string) => void;
  /** From now on a package in a line is one that is being compiled. */
  readonly setPackages: (count: number) => void;
  readonly counts: () => GoCounts;
}

export async function openGoTally(file: string): Promise<GoTally> {
  const compiled = new Set(await namesIn(file));
  let modules = 0;
  let packages: number | undefined;
  return {
    add: (line) => {
      const said = parseGoLine(line);
      if (said === undefined) return;
      if ("module" in said) modules++;
      else if (packages !== undefined && !compiled.has(said.package)) {
        compiled.add(said.package);
        appendFileSync(file, `${said.package}\n`);
      }
    },
    setPackages: (count) => {
      packages = count;
    },
    counts: () => ({ modules, compiled: compiled.size, packages }),
  };
}

async function namesIn(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter((name) => name !== "");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
