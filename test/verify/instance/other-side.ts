// A program somewhere else, in a container, that does what it is told: a line of JSON each way for every call.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface OtherSide extends AsyncDisposable {
  /** Rejects with the program's own words when it failed, and when it ended. */
  readonly call: <T>(method: string, ...args: readonly unknown[]) => Promise<T>;
}

interface Waiting {
  readonly heard: (line: string) => void;
  readonly reject: (reason: Error) => void;
}

/** @param words of `docker`, which run a program made by answering() */
export function openOtherSide(words: readonly string[], env: NodeJS.ProcessEnv): OtherSide {
  const child = spawn("docker", words, { env, stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, Waiting>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id }: { readonly id: number } = JSON.parse(line);
    waiting.get(id)?.heard(line);
    waiting.delete(id);
  });
  // Whoever waits is told by its end.
  child.stdin.on("error", () => {});
  const ended = once(child, "close");
  child.on("close", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`docker ${words[0] ?? ""} ended with ${code}`));
  });
  let last = 0;
  return {
    call: async <T>(method: string, ...args: readonly unknown[]): Promise<T> => {
      const answer = Promise.withResolvers<T>();
      last += 1;
      const heard = (line: string): void => {
        const { value, failed }: { readonly value: T; readonly failed?: string } = JSON.parse(line);
        if (failed === undefined) answer.resolve(value);
        else answer.reject(new Error(failed));
      };
      waiting.set(last, { heard, reject: answer.reject });
      child.stdin.write(`${JSON.stringify({ id: last, method, args })}\n`);
      return answer.promise;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** The program: JavaScript that answers each line of standard input. @param methods an expression: an object of functions */
export function answering(methods: string): string {
  return `
import { createInterface } from "node:readline";
const methods = ${methods};
const revived = (_, value) => (value?.type === "Buffer" ? Buffer.from(value.data) : value);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line, revived);
  const say = (answer) => console.log(JSON.stringify({ id, ...answer }));
  Promise.resolve(methods[method](...args)).then((value) => say({ value }), (error) => say({ failed: String(error) }));
}
process.exit();
`;
}
