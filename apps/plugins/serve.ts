// The life of an app's process: environment → app → listening → SIGTERM → exit. The only place that prints and exits.

import { writeSync } from "node:fs";

import closeWithGrace from "close-with-grace";
import type { FastifyInstance } from "fastify";

import { readEnvironment, type Environment } from "./environment.ts";
import { listen, ListenError } from "./listen.ts";

export interface ServeOptions<Name extends string> {
  /** What the app calls itself when it cannot start. */
  readonly name: string;
  /** Names of the upstreams it needs: `quotes` is UPSTREAM_QUOTES. */
  readonly upstreams: readonly Name[];
  readonly build: (environment: Environment<Name>) => FastifyInstance;
}

/** sysexits.h: EX_CONFIG and EX_UNAVAILABLE. */
const exitStatus = { configuration: 78, unavailable: 69 } as const;
/** The contract gives ten seconds from SIGTERM to the exit; the rest is for the exit itself. */
const stopWithinMs = 9500;

/** Runs an app until it is told to stop. A wrong environment or address ends the process with one line on stderr. */
export async function serve<const Name extends string>(options: ServeOptions<Name>): Promise<void> {
  const parsed = readEnvironment(process.env, options.upstreams);
  if (!parsed.ok) return fail(options.name, exitStatus.configuration, parsed.problems.join("; "));
  const app = options.build(parsed.environment);
  closeWithGrace({ delay: stopWithinMs, logger: false, onTimeout: () => logTimeout(app) }, async ({ signal, err }) => {
    if (err !== undefined) app.log.fatal({ err }, "the app failed; stopping");
    else app.log.info({ signal }, "stopping");
    await app.close();
  });
  try {
    await listen(app, parsed.environment.listen);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    return fail(options.name, exitStatus.unavailable, error.message);
  }
}

function logTimeout(app: FastifyInstance): void {
  app.log.error({ stopWithinMs }, "requests were still under way when the time to stop was over");
}

function fail(name: string, status: number, message: string): never {
  writeSync(2, `${name}: ${message}\n`);
  process.exit(status);
}
