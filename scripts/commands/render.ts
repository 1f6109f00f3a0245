// ./mesh render: keeps what is committed for containers as mesh.yaml says; prints what this machine's mesh would read.

import { exitStatus } from "../errors.ts";
import type { Mesh } from "../model/mesh.ts";
import { printResult } from "../output/print.ts";
import { plan } from "../plan/build.ts";
import { exampleHost } from "../plan/example-host.ts";
import type { Host } from "../plan/plan.ts";
import { dockerFiles } from "../render/docker.ts";
import { render } from "../render/render.ts";
import { compareRendered, writeRendered, type RenderedDifference } from "../runtime/rendered.ts";
import { openStateFolder } from "../runtime/state.ts";
import { readMesh, type Context } from "./context.ts";
import { composeDirOf, filesOptions } from "./open-docker.ts";

export interface RenderOptions {
  /** Change nothing; exit status 1 when something would change. */
  readonly check: boolean;
  /** Print every file of the native runtime instead. */
  readonly print: boolean;
}

export async function renderFiles(context: Context, { check, print }: RenderOptions): Promise<number> {
  const mesh = await readMesh(context);
  if (print) return printNative(context, mesh);
  const folder = await openStateFolder(context.stateDir, { create: false });
  const dir = composeDirOf(context, folder);
  const files = dockerFiles(mesh, filesOptions(context, folder));
  const difference = await (check ? compareRendered : writeRendered)(dir, files);
  const lines = told(difference, check);
  for (const line of lines) printResult(line);
  if (lines.length === 0) printResult("docker-compose.yml, envoy/ and spire/ are as mesh.yaml says");
  return check && lines.length > 0 ? exitStatus.no : exitStatus.ok;
}

function told({ changed, surplus }: RenderedDifference, check: boolean): string[] {
  return [
    ...changed.map((path) => (check ? `differs: ${path}` : `wrote ${path}`)),
    ...surplus.map((path) => (check ? `not of this mesh: ${path}` : `removed ${path}`)),
  ];
}

/** With the folders and addresses of the mesh that is up where there is one, else with example ones. */
async function printNative(context: Context, mesh: Mesh): Promise<number> {
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
