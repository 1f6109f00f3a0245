// What must be on the machine before a tool can be built or unpacked. Everything that is missing is said at once,
// before anything is begun. What the machine has is found out by machine.ts.

import { MeshError } from "../errors.ts";
import { makeRoom } from "./child.ts";
import type { Machine } from "./machine.ts";
import { compareVersions } from "./versions.ts";

/** What is going to be done, each with needs of its own. */
export type Task = "build-spire" | "unpack-spire" | "unpack-envoy";

interface Missing {
  readonly what: string;
  /** Debian's packages that bring it. */
  readonly packages: readonly string[];
  /** What to do where no package brings it. */
  readonly mend?: string;
}

/** Since 1.21 Go fetches by itself, as a module, the toolchain that go.mod asks for (go.dev/doc/toolchain). */
export const oldestGo = "1.21.0";
export const oldestPython = "3.8.0";

const gigabyte = 1000 ** 3;
/** Measured: at its fullest the build of SPIRE takes 5.7 GB, Envoy's wheel with its unpacked program 0.25 GB. */
export const diskNeeds = {
  "build-spire": 6 * gigabyte,
  "unpack-spire": 0.5 * gigabyte,
  "unpack-envoy": 0.3 * gigabyte,
};

const packagesOfPrograms: Readonly<Record<string, string>> = { tar: "tar", flock: "util-linux", setpriv: "util-linux" };

/** Everything that is missing for the tasks. */
export function missingPrerequisites(tasks: readonly Task[], machine: Machine): Missing[] {
  const missing: Missing[] = machine.missingPrograms.map((name) => ({
    what: `${name}: it was not found`,
    packages: [packagesOfPrograms[name] ?? name],
  }));
  if (tasks.includes("build-spire")) missing.push(...missingForGo(machine));
  if (tasks.includes("unpack-envoy")) missing.push(...missingForPython(machine));
  const needed = tasks.reduce((sum, task) => sum + diskNeeds[task], 0) - machine.begunBytes;
  if (machine.freeBytes < needed) {
    const what = `${inGigabytes(needed)} of free disk space where the tool cache lies: there are ${inGigabytes(machine.freeBytes)}`;
    missing.push({ what, packages: [], mend: makeRoom });
  }
  return missing;
}

/**
 * @throws MeshError MESH_PREREQUISITE, or MESH_DISK_FULL where nothing but room is missing, with a line for each missing thing
 *   and what gets all of them
 */
export function requirePrerequisites(tasks: readonly Task[], machine: Machine): void {
  const missing = missingPrerequisites(tasks, machine);
  if (missing.length === 0) return;
  const isRoomAlone = missing.every(({ mend }) => mend === makeRoom);
  const packages = [...new Set(missing.flatMap((one) => one.packages))];
  const install = packages.length === 0 ? [] : [`as root, on Debian: apt-get install ${packages.join(" ")}`];
  const mends = missing.flatMap(({ mend }) => (mend === undefined ? [] : [mend]));
  const code = isRoomAlone ? "MESH_DISK_FULL" : "MESH_PREREQUISITE";
  throw new MeshError(code, "this machine lacks what it takes to get SPIRE and Envoy", {
    details: missing.map(({ what }) => `- ${what}`),
    fix: [...install, ...mends, "then run this again"].join("; "),
  });
}

function missingForGo({ go, cCompiler }: Machine): Missing[] {
  const missing: Missing[] = [];
  const needed = `Go ${oldestGo.slice(0, -2)} or newer`;
  const newer = "Debian 13 has one, Debian 12 in bookworm-backports, and https://go.dev/dl";
  if (go === undefined) missing.push({ what: `${needed}: it was not found (${newer})`, packages: ["golang-go"] });
  else if (compareVersions(go, oldestGo) < 0) {
    missing.push({
      what: `${needed}: the one found is ${go}`,
      packages: [],
      mend: `install a newer Go (${newer})`,
    });
  }
  if (cCompiler === undefined) {
    missing.push({
      what: "a C compiler with the C library's headers (SPIRE Server contains SQLite): none was found",
      packages: ["gcc", "libc6-dev"],
    });
  }
  return missing;
}

function missingForPython({ python, venv }: Machine): Missing[] {
  if (python === undefined || compareVersions(python, oldestPython) < 0) {
    const found = python === undefined ? "it was not found" : `the one found is ${python}`;
    return [{ what: `Python ${oldestPython.slice(0, -2)} or newer: ${found}`, packages: ["python3", "python3-venv"] }];
  }
  return venv ? [] : [{ what: "Python's modules venv and pip: not found", packages: ["python3-venv"] }];
}

function inGigabytes(bytes: number): string {
  return `${(bytes / gigabyte).toFixed(1)} GB`;
}
