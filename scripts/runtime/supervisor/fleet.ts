// All processes of one mesh: what each request of the protocol does to them.

import type { ProcessStatus, Started } from "../runtime.ts";
import type { Spec } from "./protocol.ts";
import { Supervised, type SupervisedOptions } from "./supervised.ts";

export class Fleet {
  readonly #options: SupervisedOptions;
  readonly #members = new Map<string, Supervised>();

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  list(): ProcessStatus[] {
    return [...this.#members.values()].map(({ status }) => status);
  }

  async start(specs: readonly Spec[], graceMs: number): Promise<Started> {
    const result: Record<keyof Started, string[]> = { started: [], restarted: [], unchanged: [] };
    await Promise.all(
      specs.map(async (spec) => {
        const current = this.#members.get(spec.name);
        const wanted = current?.spec.fingerprint === spec.fingerprint && current.status.state !== "failed";
        if (wanted && current.status.state !== "stopping") result.unchanged.push(spec.name);
        else {
          (current === undefined || current.status.state === "failed" ? result.started : result.restarted).push(
            spec.name,
          );
          await this.#replace(spec, graceMs);
        }
      }),
    );
    return result;
  }

  /** Names that are not there are ignored. */
  async stop(names: readonly string[], graceMs: number): Promise<void> {
    const ending = new Map<string, Promise<void>>();
    await Promise.all(names.map((name) => this.#endInOrder(name, { graceMs, among: new Set(names), ending })));
    for (const name of names) this.#members.delete(name);
  }

  async stopAll(graceMs: number): Promise<void> {
    await this.stop([...this.#members.keys()], graceMs);
  }

  /** Returns the names that are not there. */
  async restart(names: readonly string[], graceMs: number): Promise<{ unknown: string[] }> {
    const known = names.filter((name) => this.#members.has(name));
    await Promise.all(
      known.map(async (name) => {
        const member = this.#members.get(name);
        if (member !== undefined) await this.#replace(member.spec, graceMs);
      }),
    );
    return { unknown: names.filter((name) => !known.includes(name)) };
  }

  /** The process group that writes a log file. */
  writerOf(logFile: string): number | undefined {
    return [...this.#members.values()].find(({ spec }) => spec.logFile === logFile)?.status.pid;
  }

  /** Keeps the member's place in the list. What is asked for twice at once is done once: a name has one process. */
  async #replace(spec: Spec, graceMs: number): Promise<void> {
    const current = this.#members.get(spec.name);
    await current?.end(graceMs);
    if (this.#members.get(spec.name) !== current) return;
    this.#members.set(spec.name, new Supervised(spec, this.#options));
  }

  /** Ends a process once all that depend on it have ended; those that do not depend on each other end side by side. */
  #endInOrder(
    name: string,
    all: { graceMs: number; among: ReadonlySet<string>; ending: Map<string, Promise<void>> },
  ): Promise<void> {
    const begun = all.ending.get(name);
    if (begun !== undefined) return begun;
    const dependants = [...this.#members.values()]
      .filter(({ spec }) => spec.after.includes(name) && all.among.has(spec.name))
      .map(({ spec }) => spec.name);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Before the dependants are visited: a circle of `after` must not be followed for ever.
    all.ending.set(name, promise);
    Promise.all(dependants.map((dependant) => this.#endInOrder(dependant, all)))
      .then(() => this.#members.get(name)?.end(all.graceMs))
      .then(resolve, reject);
    return promise;
  }
}
