// ./mesh stop: ends everything but keeps SPIRE Server's own data, so that partners keep trusting us.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { forgetServing } from "../runtime/decisions.ts";
import { takeLock } from "../runtime/lock.ts";
import type { Context } from "./context.ts";
import { openRuntime } from "./open-runtime.ts";

export async function stop(context: Context): Promise<number> {
  const { folder, runtime, phase } = await openRuntime(context);
  if (phase !== "up") {
    printResult("nothing is up");
    return exitStatus.ok;
  }
  await using _lock = await takeLock(folder.path, "./mesh stop");
  await runtime.suspend();
  await forgetServing(folder);
  printResult("stopped; ./mesh up resumes on the same CAs, ./mesh down destroys them");
  return exitStatus.ok;
}
