// ./mesh swap: replaces the app of a workload while it serves, or returns to what mesh.yaml says; or has mesh.yaml say it.

import { isDeepStrictEqual } from "node:util";

import type { Canary } from "../control/canary.ts";
import { swapApp } from "../control/swap.ts";
import { exitStatus, MeshError } from "../errors.ts";
import type { App } from "../model/mesh.ts";
import { formatSwapped } from "../output/contract.ts";
import { printResult } from "../output/print.ts";
import { appInWords } from "../runtime/decisions.ts";
import { type AppOptions, appOptionsGiven, readApi, readAppArgument } from "./app-argument.ts";
import type { Context } from "./context.ts";
import { editedMesh, saveApp } from "./save-app.ts";
import { openSwapping, prepareSwap, type Swapping } from "./swapping.ts";

export interface SwapFlags extends AppOptions {
  readonly back?: boolean;
  /** Have mesh.yaml say it. */
  readonly save?: boolean;
  readonly canary?: Canary | undefined;
}

export async function swap(context: Context, name: string, flags: SwapFlags): Promise<number> {
  await using swapping = await openSwapping(context, name, { command: "./mesh swap" });
  const { now, workload } = swapping;
  const app = await wantedApp(context, flags, swapping);
  const isSaved = flags.save === true;
  // Before anything is touched.
  if (isSaved) await editedMesh(context, name, app);
  if (isDeepStrictEqual(app, now.workload.app)) {
    if (isSaved) await saveApp(context, swapping, { app, slot: now.slot });
    printResult(isSaved ? saved(name, app) : `unchanged: ${name} is served by ${appInWords(app)} already`);
    return exitStatus.ok;
  }
  const was = now.workload.app;
  const { options } = await prepareSwap(context, swapping, { old: { app: was, slot: now.slot }, app });
  const contract = { api: await readApi(context, app, workload) };
  const swapped = await swapApp({ ...options, contract, canary: flags.canary });
  printResult(formatSwapped({ workload: name, app: appInWords(app), was: appInWords(was), ...swapped }));
  if (isSaved) {
    await saveApp(context, swapping, { app, slot: swapped.slot });
    printResult(saved(name, app));
  }
  return exitStatus.ok;
}

function saved(name: string, app: App): string {
  return `mesh.yaml says ${appInWords(app)} for ${name}`;
}

/** With the contract of the workload, where it has none of its own. */
async function wantedApp(context: Context, flags: SwapFlags, { now, workload }: Swapping): Promise<App> {
  const declared = workload.app;
  const given = appOptionsGiven(flags);
  if (flags.back === true && (given > 0 || flags.save === true))
    throw new MeshError("MESH_USAGE", "--back returns to the app of mesh.yaml: it takes no other, and saves none", {
      fix: "./mesh swap WORKLOAD --back",
    });
  if (flags.back === true) return declared;
  const app = flags.save === true && given === 0 ? now.workload.app : await readAppArgument(context, flags, declared);
  if (app.kind === "node" && app.watch === true)
    throw new MeshError("MESH_USAGE", `./mesh dev has ${appInWords(app)}, and mesh.yaml cannot say that`, {
      fix: "end ./mesh dev, then ./mesh swap with --node FILE --save",
    });
  const { contract = declared.contract, ...rest } = app;
  return { ...rest, ...(contract === undefined ? {} : { contract }) };
}
