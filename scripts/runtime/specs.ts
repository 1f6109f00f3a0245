// A process of the plan → what the supervisor is told. Pure.

import type { Process } from "../plan/plan.ts";
import type { Spec } from "./supervisor/protocol.ts";
import { setprivCommand } from "./supervisor/setpriv.ts";

export interface SpecContext {
  readonly logDir: string;
  /** Absolute path. */
  readonly setpriv: string;
  /** As root every process has its own user, and all have this group; undefined: all run as whoever runs the supervisor. */
  readonly meshGroup: number | undefined;
  /** Environment of builds, under the process's own. */
  readonly buildEnv: Readonly<Record<string, string>>;
}

export function toSpec(process: Process, { logDir, setpriv, meshGroup, buildEnv }: SpecContext): Spec {
  const groups = [...process.user.groups, ...(meshGroup === undefined ? [] : [meshGroup])];
  const user = { ...process.user, groups };
  const privileges = { setpriv, user: meshGroup === undefined ? undefined : user };
  return {
    name: process.name,
    fingerprint: fingerprintOf({ ...process, user }),
    command: setprivCommand(privileges, process.command),
    env: process.env,
    workingDir: process.workingDir,
    ...(process.build === undefined
      ? {}
      : { build: { command: setprivCommand(privileges, process.build), env: { ...process.env, ...buildEnv } } }),
    sockets: process.sockets,
    logFile: logFile(logDir, process.name),
    owner: process.user,
    after: process.after.map((dependency) => dependency.process),
  };
}

export function logFile(logDir: string, name: string): string {
  return `${logDir}/${name}.log`;
}

/**
 * What a process is started with, and nothing else: how it is probed or what waits for it changes while it runs. The
 * build's environment comes from whoever types the command, and must not restart anything either.
 */
function fingerprintOf({ user, command, env, workingDir, build }: Process): string {
  return JSON.stringify({ user, command, env, workingDir, build });
}

/** What a compiler or a package client needs to work at all, behind a proxy too; no other variable is handed on. */
const buildVariables =
  "PATH LANG SSL_CERT_FILE SSL_CERT_DIR GOPROXY GOSUMDB GONOSUMDB GOFLAGS HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy".split(
    " ",
  );

export function buildEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Record<string, string> {
  const chosen = buildVariables.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(chosen), HOME: home };
}
