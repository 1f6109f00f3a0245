// ./mesh restart: ends and starts processes, each alone; the others serve on.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { takeLock } from "../runtime/lock.ts";
import { until } from "../wait.ts";
import type { Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

/** Returns when each is ready again. */
export async function restart(context: Context, asked: readonly string[]): Promise<number> {
  const { folder, plan, runtime, isReady } = await meshThatIsUp(context);
  await using _lock = await takeLock(folder.path, "./mesh restart");
  const names = [...new Set(asked)];
  await runtime.restart(names);
  const processes = plan.processes.filter(({ name }) => names.includes(name));
  await Promise.all(
    processes.map((process) =>
      until(`${process.name} is ready`, () => isReady(process), {
        deadlineMs: 20_000,
        signal: context.signal,
        fix: `./mesh logs ${process.name}`,
      }),
    ),
  );
  printResult(`restarted ${names.join(", ")}`);
  return exitStatus.ok;
}
