// One process for each user that an attack is tried as; started when first needed, it ends with the mesh.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { User } from "../../../scripts/plan/plan.ts";
import { type Answer, perform, type Task } from "./attacker.ts";

export interface Attackers extends AsyncDisposable {
  /** Tries it as this user, with these groups and no capability. Only root can be anybody else. */
  readonly as: (user: User, task: Task) => Promise<Answer>;
}

/** @param node a Node that every user may run */
export function openAttackers(node: string): Attackers {
  const started = new Map<string, Promise<Attacker>>();
  return {
    as: async (user, task) => {
      if (process.getuid?.() === user.uid) return perform(task);
      const key = JSON.stringify(user);
      const attacker = started.get(key) ?? startAttacker(node, user);
      started.set(key, attacker);
      return (await attacker).ask(task);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...started.values()].map(async (attacker) => (await attacker).end()));
    },
  };
}

interface Attacker {
  readonly ask: (task: Task) => Promise<Answer>;
  readonly end: () => Promise<void>;
}

async function startAttacker(node: string, user: User): Promise<Attacker> {
  const program = await readFile(join(import.meta.dirname, "attacker.ts"), "utf8");
  const groups = user.groups.length === 0 ? "--clear-groups" : `--groups=${user.groups.join()}`;
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, groups, "--inh-caps=-all", "--bounding-set=-all"];
  const evaluate = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval"];
  const child = spawn("setpriv", [...identity, "--no-new-privs", "--", node, ...evaluate, `${program}\nserve();\n`], {
    cwd: "/",
    env: {},
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "spawn");
  return asker(child);
}

function asker(child: ChildProcess): Attacker {
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let last = 0;
  child.on("message", (message: { readonly id: number; readonly answer: Answer }) => {
    waiting.get(message.id)?.resolve(message.answer);
    waiting.delete(message.id);
  });
  child.on("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the attacker's process ended: ${code ?? signal}`));
  });
  return {
    ask: (task) => {
      const answer = Promise.withResolvers<Answer>();
      last += 1;
      waiting.set(last, answer);
      child.send({ id: last, task });
      return answer.promise;
    },
    end: async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      await ended;
    },
  };
}
