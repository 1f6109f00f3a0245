// ./mesh down: ends everything and destroys everything but the tool cache. Safe to repeat.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { takeLock } from "../runtime/lock.ts";
import { nativeRuntime } from "../runtime/native.ts";
import { openStateFolder } from "../runtime/state.ts";
import type { Context } from "./context.ts";

export async function down({ stateDir, env, report }: Context): Promise<number> {
  const folder = await openStateFolder(stateDir, { create: false });
  const runtime = nativeRuntime({ folder, env, report });
  if (!(await runtime.exists())) {
    printResult("nothing is up, nothing is left");
    return exitStatus.ok;
  }
  await using _lock = await takeLock(folder.path, "./mesh down");
  await runtime.destroy();
  printResult("down: processes ended, sockets, keys and data destroyed; the tool cache is kept");
  return exitStatus.ok;
}
