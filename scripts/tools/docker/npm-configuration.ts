// What npm on this machine knows and an image that is built does not: a registry of one's own, the certificate of a proxy
// that opens TLS. docker-compose.yml has two variables for the files, and gives them to the build as secrets.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

import { systemErrorCode } from "../../errors.ts";

const variables = { userconfig: "MESH_NPMRC", cafile: "NODE_EXTRA_CA_CERTS" } as const;
const answerMs = 10_000;

export interface NpmConfigurationOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * The variables that the environment does not set and npm has a file for: nothing without npm. About 0.2 s.
 *
 * @throws the signal's reason
 */
export async function npmConfiguration({
  env,
  signal,
}: NpmConfigurationOptions): Promise<Readonly<Record<string, string>>> {
  const open = Object.entries(variables).filter(([, variable]) => (env[variable] ?? "") === "");
  if (open.length === 0) return {};
  const printed = await ask({ env, signal });
  return Object.fromEntries(
    open.flatMap(([key, variable]) => {
      const path = new RegExp(`^${key}=(.+)$`, "mu").exec(printed)?.[1];
      return path !== undefined && existsSync(path) ? [[variable, path]] : [];
    }),
  );
}

/** `key=value`, a line each. */
async function ask({ env, signal }: NpmConfigurationOptions): Promise<string> {
  try {
    const args = ["config", "get", ...Object.keys(variables)];
    return (await promisify(execFile)("npm", args, { env, signal, timeout: answerMs })).stdout;
  } catch (error) {
    signal.throwIfAborted();
    // Not there, or unable to do even this: the build says what it lacks.
    if (systemErrorCode(error) !== "ENOENT" && !(error instanceof Error && "stderr" in error)) throw error;
    return "";
  }
}
