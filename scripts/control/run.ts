// Runs a controller until it is told to end: what main.ts starts once the process is small.

import { MeshError, exitStatus } from "../errors.ts";
import { printError } from "../output/errors.ts";
import { printNote } from "../output/print.ts";
import { loadServerApi } from "../trust/server-api.ts";
import { openController } from "./controller.ts";
import { serveController } from "./server.ts";

// Loaded here, so that its modules are in the compile cache too.
await loadServerApi();

/** Serves and reconciles until SIGTERM. Never throws: the exit status says how it ended, standard error why. */
export async function runController([planFile, trustDomain]: readonly string[]): Promise<number> {
  try {
    if (planFile === undefined || trustDomain === undefined)
      throw new MeshError("MESH_USAGE", "usage: node scripts/control/main.ts PLANFILE TRUSTDOMAIN");
    const ending = new AbortController();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ending.abort());
    const controller = await openController({ planFile, trustDomain, log });
    const server = await serveController(controller, controller.socket);
    await controller.run(ending.signal);
    await server.close();
    return exitStatus.ok;
  } catch (error) {
    return printError(error);
  }
}

function log(line: string): void {
  printNote(`${new Date().toISOString()} ${line}`);
}
