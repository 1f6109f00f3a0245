// The process controller-<name>: node scripts/control/main.ts PLANFILE TRUSTDOMAIN. Ends by SIGTERM, within a second.

import { MeshError, exitStatus } from "../errors.ts";
import { printError } from "../output/errors.ts";
import { printNote } from "../output/print.ts";
import { openController } from "./controller.ts";
import { serveController } from "./server.ts";

async function main([planFile, trustDomain]: readonly string[]): Promise<void> {
  if (planFile === undefined || trustDomain === undefined)
    throw new MeshError("MESH_USAGE", "usage: node scripts/control/main.ts PLANFILE TRUSTDOMAIN");
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ending.abort());
  const controller = await openController({ planFile, trustDomain, log });
  const server = await serveController(controller, controller.socket);
  await controller.run(ending.signal);
  await server.close();
}

function log(line: string): void {
  printNote(`${new Date().toISOString()} ${line}`);
}

try {
  await main(process.argv.slice(2));
  process.exitCode = exitStatus.ok;
} catch (error) {
  process.exitCode = printError(error);
}
