// Runs the real command line as a user would: a child process, its exit status, what it printed on which stream.

import { spawn } from "node:child_process";

import { until } from "../../scripts/wait.ts";

export interface CommandOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds until it is killed and the test fails; 60 s unless given. */
  readonly deadlineMs?: number;
  /** What it reads on standard input; nothing unless given. */
  readonly input?: string;
}

/** How a command ended. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Running {
  readonly pid: number;
  /** Everything it has printed, both streams. */
  readonly said: () => string;
  /** Resolves as soon as it has printed something that matches, on either stream. */
  readonly says: (pattern: RegExp) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly outcome: Promise<Outcome>;
}

/** Starts a command. At its deadline it is killed, and `outcome` rejects with what it printed. */
export function start(program: string, args: readonly string[], options: CommandOptions): Running {
  const { cwd, env, deadlineMs = 60_000, input } = options;
  const typed = [program, ...args].join(" ");
  const begun = performance.now();
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  // Whoever reads nothing may have closed it.
  child.stdin.on("error", () => {}).end(input);
  const printed = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => (printed[stream] += text));
  const all = (): string => `${printed.stderr}${printed.stdout}`;
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Outcome>();
  let over = false;
  child.once("error", reject);
  child.once("close", (status, signal) => {
    over = true;
    const ms = performance.now() - begun;
    if (ms < deadlineMs) resolve({ status, signal, ...printed, ms });
    else reject(new Error(`\`${typed}\` did not end within ${deadlineMs} ms; it printed:\n${all()}`));
  });
  // A test that fails before it awaits the outcome is reported for what it found, not for this.
  outcome.catch(() => {});
  const matches = (pattern: RegExp): boolean => {
    if (pattern.test(all())) return true;
    if (over) throw new Error(`\`${typed}\` ended without printing ${String(pattern)}:\n${all()}`);
    return false;
  };
  return {
    pid: child.pid ?? 0,
    said: all,
    says: async (pattern) => {
      const waiting = { deadlineMs, intervalMs: 2, lastSeen: all };
      await until(`\`${typed}\` prints ${String(pattern)}`, () => matches(pattern), waiting);
    },
    kill: (signal) => void child.kill(signal),
    outcome,
  };
}

/** Runs a command to its end. */
export function run(program: string, args: readonly string[], options: CommandOptions): Promise<Outcome> {
  return start(program, args, options).outcome;
}
