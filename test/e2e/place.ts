// A place for one mesh of a test: a private folder with a mesh.yaml, a published port of its own, and the command line
// run against it, on the runtime that the suite is about. It lies beside any other mesh on the machine, and disposing of
// it leaves nothing.

import { chmod, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Plan } from "../../scripts/plan/plan.ts";
import type { StatusReport } from "../../scripts/control/status-report.ts";
import type { ProcessStatus } from "../../scripts/runtime/runtime.ts";
import { until } from "../../scripts/wait.ts";
import { checkoutDir, copyCheckout } from "./checkout.ts";
import { type Outcome, type Running, start } from "./command.ts";
import { removeImages } from "./container-engine.ts";
import { type Description, shipped, toText } from "./description.ts";
import { freePort } from "./free-port.ts";

/** vitest.config.ts says it for all that a project runs. */
export const runtime: Plan["runtime"] = process.env["MESH_RUNTIME"] === "docker" ? "docker" : "native";

export interface Place extends AsyncDisposable {
  readonly dir: string;
  readonly meshFile: string;
  readonly stateDir: string;
  /** Where the broker is published. */
  readonly port: number;
  readonly url: (path: string) => string;
  /** What `mesh.yaml` says. */
  readonly description: Description;
  /** Writes another `mesh.yaml`: what `change` makes of the one before, or a text as it stands. */
  readonly edit: (change: string | ((description: Description) => void)) => Promise<void>;
  /** Runs `./mesh …` to its end. */
  readonly mesh: (...args: readonly string[]) => Promise<Outcome>;
  /** The same, and fails when the exit status is not 0. */
  readonly must: (...args: readonly string[]) => Promise<Outcome>;
  readonly start: (...args: readonly string[]) => Running;
  readonly ps: () => Promise<readonly ProcessStatus[]>;
  readonly process: (name: string) => Promise<ProcessStatus & { readonly pid: number }>;
  /** `./mesh status --json`, whatever its exit status. */
  readonly status: () => Promise<StatusReport>;
  /** What somebody needs to see of a failed test. */
  readonly evidence: () => Promise<string>;
}

export interface PlaceOptions {
  /** Makes the description from the published port and the place's folder; the shipped mesh unless given. */
  readonly description?: (port: number, dir: string) => Description | Promise<Description>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A folder of its own unless given; it is removed with the place. */
  readonly dir?: string;
  /** Runs from a copy of the checkout that has the apps of test/e2e/apps in its apps/tests, as a user's would have more. */
  readonly withTestApps?: boolean;
  /** What stands for `./mesh`: the command line of this checkout, run by this Node, unless given. */
  readonly program?: readonly [string, ...string[]];
}

/** The first `up` on an engine builds images, and a swap an app, perhaps. */
const commandMs = { native: 120_000, docker: 300_000 } as const;

/** Nothing is up there yet. */
export async function makePlace(options: PlaceOptions = {}): Promise<Place> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "mesh-e2e-")));
  // As root every process has its own user, who passes through.
  if (options.dir === undefined) await chmod(dir, 0o755);
  const port = await freePort();
  const description = await (options.description ?? shipped)(port, dir);
  const meshFile = join(dir, "mesh.yaml");
  const checkout = options.withTestApps === true ? await checkoutWithTestApps(join(dir, "clone")) : checkoutDir;
  const [program, ...words] = options.program ?? [process.execPath, join(checkout, "scripts/mesh.ts")];
  const begin = (args: readonly string[]): Running =>
    start(program, [...words, "--file", meshFile, ...args], {
      cwd: dir,
      env: commandEnvironment(options.env),
      deadlineMs: commandMs[runtime],
    });
  const mesh = (...args: readonly string[]): Promise<Outcome> => begin(args).outcome;
  const must = async (...args: readonly string[]): Promise<Outcome> => {
    const outcome = await mesh(...args);
    if (outcome.status === 0) return outcome;
    throw new Error(
      `./mesh ${args.join(" ")} ended with ${outcome.status ?? outcome.signal}:\n${outcome.stderr}${outcome.stdout}`,
    );
  };
  const ps = async (): Promise<readonly ProcessStatus[]> => {
    const { processes }: { processes: readonly ProcessStatus[] } = json(await mesh("ps", "--json"));
    return processes;
  };
  await writeFile(meshFile, toText(description));
  return {
    dir,
    meshFile,
    stateDir: join(dir, ".mesh"),
    port,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    description,
    edit: async (change) => {
      if (typeof change !== "string") change(description);
      await writeFile(meshFile, typeof change === "string" ? change : toText(description));
    },
    mesh,
    must,
    start: (...args) => begin(args),
    ps,
    process: async (name) => {
      const found = (await ps()).find((process) => process.name === name);
      if (found?.pid === undefined) throw new Error(`${name} does not run`);
      return { ...found, pid: found.pid };
    },
    status: async () => json(await mesh("status", "--json")),
    evidence: async () => {
      const said = await Promise.all([mesh("ps"), mesh("status"), mesh("logs", "--lines", "15")]);
      return said.map(({ stdout, stderr }) => `${stderr}${stdout}`).join("\n");
    },
    [Symbol.asyncDispose]: async () => {
      await must("down");
      if (runtime === "docker") await removeImages({ dir });
      await rm(dir, { recursive: true });
    },
  };
}

async function checkoutWithTestApps(to: string): Promise<string> {
  await copyCheckout(to);
  await cp(join(import.meta.dirname, "apps"), join(to, "apps/tests"), { recursive: true });
  return to;
}

/** The caller's environment without what vitest put there, so that the command line behaves as at a prompt. */
export function commandEnvironment(more: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:VITEST|NODE_ENV$|NODE_OPTIONS$|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL$|FORCE_COLOR$)/.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...more };
}

/** @throws when standard output is not JSON, with what was printed */
export function json({ stdout, stderr }: Outcome) {
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`no JSON on standard output:\n${stderr}${stdout}`, { cause: error });
  }
}

export interface Quotes {
  readonly asOf: string;
  readonly hop: { readonly caller: string; readonly callee: string } | null;
  readonly quotes: readonly {
    readonly symbol: string;
    readonly price: number;
    readonly low: number;
    readonly high: number;
    readonly time: string;
  }[];
}

/** What the broker shows; undefined while it has none. */
export async function quotesOf(place: Pick<Place, "url">): Promise<Quotes | undefined> {
  try {
    const response = await fetch(place.url("/api/quotes"), { signal: AbortSignal.timeout(5000) });
    if (response.status !== 200) return undefined;
    const quotes: Quotes = JSON.parse(await response.text());
    return quotes;
  } catch {
    return undefined; // Nobody listens, or no answer in time: there are no quotes.
  }
}

/** Quotes newer than any that were there when this was called. */
export async function quotesFlow(place: Pick<Place, "url">, deadlineMs: number): Promise<Quotes> {
  const called = Date.now();
  return until(
    "new quotes cross",
    async () => {
      const quotes = await quotesOf(place);
      return quotes !== undefined && Date.parse(quotes.asOf) > called ? quotes : undefined;
    },
    { deadlineMs, intervalMs: 50 },
  );
}
