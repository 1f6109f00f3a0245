// ./mesh stop: ends everything but keeps SPIRE Server's own data, so that partners keep trusting us.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { takeLock } from "../runtime/lock.ts";
import { nativeRuntime } from "../runtime/native.ts";
import { openStateFolder } from "../runtime/state.ts";
import type { Context } from "./context.ts";

export async function stop({ stateDir, env, report }: Context): Promise<number> {
  const folder = await openStateFolder(stateDir, { create: false });
  const state = await folder.read();
  if (state === undefined || state.phase === "stopped") {
    printResult("nothing is up");
    return exitStatus.ok;
  }
  await using _lock = await takeLock(folder.path, "./mesh stop");
  await nativeRuntime({ folder, env, report }).suspend();
  printResult("stopped; ./mesh up resumes on the same CAs, ./mesh down destroys them");
  return exitStatus.ok;
}
