// ./mesh down: ends everything and destroys everything but caches. Safe to repeat.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { takeLock } from "../runtime/lock.ts";
import type { Context } from "./context.ts";
import { openRuntime } from "./open-runtime.ts";

export async function down(context: Context): Promise<number> {
  const { folder, runtime } = await openRuntime(context);
  if (!(await runtime.exists())) {
    printResult("nothing is up, nothing is left");
    return exitStatus.ok;
  }
  await using _lock = await takeLock(folder.path, "./mesh down");
  await runtime.destroy();
  printResult(ended[runtime.kind]);
  return exitStatus.ok;
}

const ended = {
  native: "down: processes ended, sockets, keys and data destroyed; the tool cache is kept",
  docker: "down: containers, networks and volumes with all keys and data destroyed; images are kept",
} as const;
