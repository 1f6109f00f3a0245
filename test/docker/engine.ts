// A Docker engine for tests, with Compose and the stand-ins: vitest's global setup for suites that need one, and a
// command for working by hand: `eval "$(node test/docker/engine.ts up)"`, `node test/docker/engine.ts down`.

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureCompose } from "../../scripts/tools/docker/compose.ts";
import { ensureEngine, stopEngine } from "../../scripts/tools/docker/engine.ts";
import { npmConfiguration } from "../../scripts/tools/docker/npm-configuration.ts";
import { ensureStandIns } from "../../scripts/tools/docker/stand-ins/ensure-stand-ins.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";

const cacheDir = toolCacheDir();
const { signal } = new AbortController();

interface Ready {
  /** What `docker` and `docker compose` need. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the engine was started by this call. */
  readonly started: boolean;
}

async function makeReady(say: (message: string) => void): Promise<Ready> {
  const options = {
    cacheDir,
    offline: false,
    report: ({ message }: { readonly message: string }) => say(message),
    signal,
  };
  const engine = await ensureEngine({ ...options, install: process.getuid?.() === 0 });
  const env = { ...process.env, ...engine.env };
  const compose = await ensureCompose({ ...options, env, fetch: true });
  await ensureStandIns({ ...options, env, tools: await ensureTools(options) });
  const npm = await npmConfiguration({ env, signal });
  // Without Buildx, Compose builds by itself and need not say so.
  return { env: { ...engine.env, ...compose.pluginEnv, ...npm, COMPOSE_BAKE: "false" }, started: engine.started };
}

let startedHere = false;

/** Tests find the engine by these variables, as a user's docker would. */
export async function setup(): Promise<void> {
  const { env, started } = await makeReady(() => {});
  Object.assign(process.env, env);
  startedHere = started;
}

/** An engine that ran before the tests goes on. */
export async function teardown(): Promise<void> {
  if (startedHere) await stopEngine({ cacheDir, signal });
}

if (import.meta.main) {
  if (process.argv[2] === "down") await stopEngine({ cacheDir, signal });
  else {
    const { env } = await makeReady((message) => process.stderr.write(`${message}\n`));
    for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}='${value}'\n`);
  }
}
