// ./mesh render: every file that follows from mesh.yaml, as this machine's mesh would read it.

import { exitStatus } from "../errors.ts";
import { printResult } from "../output/print.ts";
import { plan } from "../plan/build.ts";
import type { Host } from "../plan/plan.ts";
import { render } from "../render/render.ts";
import { openStateFolder } from "../runtime/state.ts";
import type { Mesh } from "../model/mesh.ts";
import { exampleHost } from "../plan/example-host.ts";
import { readMesh, type Context } from "./context.ts";

/** With the folders and addresses of the mesh that is up where there is one, else with example ones. */
export async function renderFiles(context: Context): Promise<number> {
  const mesh = await readMesh(context);
  for (const { path, content } of render(plan(mesh, await hostOf(context, mesh)))) {
    printResult(`# ---- ${path}\n${content}`);
  }
  return exitStatus.ok;
}

async function hostOf({ stateDir }: Context, mesh: Mesh): Promise<Host> {
  const state = await (await openStateFolder(stateDir, { create: false })).read();
  const example = exampleHost(mesh);
  if (state === undefined) return example;
  const { places, allocations } = state;
  return {
    ...example,
    ...places,
    addresses: { ...example.addresses, ...allocations.addresses },
    inboundPorts: { ...example.inboundPorts, ...allocations.inboundPorts },
  };
}
