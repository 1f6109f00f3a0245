// Looks for a Docker engine where a user's docker would find it: by the docker client, which knows DOCKER_HOST and
// contexts, else by asking its Unix socket. It only looks.

import { execFile } from "node:child_process";
import { request } from "node:http";
import { promisify } from "node:util";

import { messageOf, systemErrorCode } from "../../errors.ts";

/** What was seen. `said` is Docker's own word, or the system's. */
export type Sighting =
  /** `version` as the engine gives it: `20.10.24+dfsg1`. */
  | { readonly kind: "answers"; readonly version: string }
  | { readonly kind: "denied"; readonly said: string }
  | { readonly kind: "absent"; readonly said: string };

export interface LookOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

const answerMs = 10_000;
/** Docker's own default. */
const defaultSocket = "/var/run/docker.sock";

/**
 * Asks the engine for its version. Takes about 50 ms with the docker client.
 *
 * @throws the signal's reason
 */
export async function lookForEngine(options: LookOptions): Promise<Sighting> {
  const byClient = await askClient(options);
  if (byClient !== undefined) return byClient;
  const host = options.env["DOCKER_HOST"] || `unix://${defaultSocket}`;
  if (host.startsWith("unix://")) return askSocket(host.slice("unix://".length), options.signal);
  return {
    kind: "absent",
    said: `DOCKER_HOST is ${host}, and the docker client, which could reach that, was not found`,
  };
}

/** Undefined: there is no docker client. */
async function askClient({ env, signal }: LookOptions): Promise<Sighting | undefined> {
  const args = ["version", "--format", "{{json .Server}}"];
  try {
    const { stdout } = await promisify(execFile)("docker", args, { env, signal, timeout: answerMs });
    return parseServer(stdout) ?? { kind: "absent", said: "docker version names no server" };
  } catch (error) {
    signal.throwIfAborted();
    return systemErrorCode(error) === "ENOENT" ? undefined : judge(saidBy(error));
  }
}

/** Asks the engine at a Unix socket for its version. */
export async function askSocket(socketPath: string, signal: AbortSignal): Promise<Sighting> {
  try {
    const body = await get(socketPath, AbortSignal.any([signal, AbortSignal.timeout(answerMs)]));
    return parseServer(body) ?? { kind: "absent", said: `what answers on ${socketPath} is no Docker engine` };
  } catch (error) {
    signal.throwIfAborted();
    return ["EACCES", "EPERM"].includes(systemErrorCode(error) ?? "")
      ? { kind: "denied", said: messageOf(error) }
      : { kind: "absent", said: messageOf(error) };
  }
}

/** Docker's client tells by its words alone why it got no answer. */
export function judge(said: string): Sighting {
  return { kind: /permission denied/iu.test(said) ? "denied" : "absent", said };
}

/** The answer of `GET /version` of the Docker Engine API, which `docker version` prints as its server. */
function parseServer(text: string): Sighting | undefined {
  let server: unknown;
  try {
    server = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof server !== "object" || server === null || !("Version" in server)) return undefined;
  return typeof server.Version === "string" ? { kind: "answers", version: server.Version } : undefined;
}

async function get(socketPath: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({ socketPath, path: "/version", headers: { host: "docker" }, signal }, (response) => {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => (body += chunk));
    response.on("end", () => resolve(body));
    response.on("error", reject);
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}

function saidBy(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  return stderr === "" ? messageOf(error) : stderr;
}
