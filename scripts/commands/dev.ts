// ./mesh dev: the development loop. The app runs under Node's watch mode in the workload's second slot, behind the real
// sidecar, until Ctrl-C; what served before runs on beside it without requests, and has them again then.

import { isDeepStrictEqual } from "node:util";

import { otherSlot, type SwapOptions, takeTurns, turnBack, weighed } from "../control/swap.ts";
import { exitStatus, MeshError } from "../errors.ts";
import type { App, Mesh } from "../model/mesh.ts";
import { printable, printNote, printResult } from "../output/print.ts";
import type { SlotNumber } from "../plan/slots.ts";
import { processName } from "../plan/layout.ts";
import { appInWords } from "../runtime/decisions.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type AppOptions, appOptionsGiven, readAppArgument } from "./app-argument.ts";
import { type Context, typed } from "./context.ts";
import { openSwapping, prepareSwap, type Swapping } from "./swapping.ts";

const command = "./mesh dev";

export async function dev(context: Context, name: string, flags: AppOptions): Promise<number> {
  const developed = await begin(context, name, flags);
  const { app, old, following } = developed;
  printNote(`${name} is served by ${appInWords(app)}: edit, save, and the next request has it; Ctrl-C ends it`);
  let instead: App | undefined;
  try {
    await following;
  } finally {
    // Ctrl-C has ended the following; going back is not to be interrupted by the same.
    instead = await goBack({ ...context, signal: new AbortController().signal }, name, developed);
  }
  if (instead !== undefined) printNote(`${name} was given to ${appInWords(instead)} meanwhile, which serves on`);
  else printResult(`${name} is served by ${appInWords(old.app)} again, as it was before`);
  if (instead === undefined && isDeepStrictEqual(watched(old.app), app))
    printNote(`with what you edited: ${typed(context)} restart ${old.process}`);
  return exitStatus.ok;
}

interface Developed {
  readonly mesh: Mesh;
  readonly app: App;
  readonly old: { readonly app: App; readonly slot: SlotNumber; readonly process: string };
  /** Ends at Ctrl-C. */
  readonly following: Promise<void>;
}

/** The lock is held no longer than it takes: other commands go on while somebody edits. */
async function begin(context: Context, name: string, flags: AppOptions): Promise<Developed> {
  await using swapping = await openSwapping(context, name, { command });
  const { now, workload, mesh } = swapping;
  if (swapping.project !== undefined) throw inContainers();
  const declared = workload.app;
  const wanted = appOptionsGiven(flags) === 0 ? declared : await readAppArgument(context, flags, declared);
  const app = watched(wanted);
  if (app === undefined) throw notWatched(name, wanted);
  const old = { app: now.workload.app, slot: now.slot };
  if (isDeepStrictEqual(app, old.app)) throw alreadyDeveloped(context, name);
  const { options, runFrom } = await prepareSwap(context, swapping, { old, app });
  if (runFrom !== context.repositoryDir) throw unseen(context, runFrom);
  const { following } = await startFollowed(options, processName.app(workload, otherSlot(old.slot)));
  return { mesh, app, old: { ...old, process: processName.app(workload, old.slot) }, following };
}

/** The same app under Node's watch mode; undefined when it is not Node's. */
function watched(app: App): App | undefined {
  return app.kind === "node" ? { ...app, watch: true } : undefined;
}

/** Its log from its first line on: an app that does not start yet is mended and saved, and then does. */
async function startFollowed(options: Omit<SwapOptions, "contract">, process: string) {
  const { runtime, signal } = options;
  const failed = new AbortController();
  let following = Promise.resolve();
  const start: typeof runtime.start = async (processes) => {
    const started = await runtime.start(processes);
    following = follow(runtime, process, AbortSignal.any([signal, failed.signal]));
    // Whoever awaits it sees the error, once the app serves.
    following.catch(() => {});
    return started;
  };
  try {
    // Whoever develops it may break the contract on the way.
    const { old, app } = options;
    const followed = { ...options, runtime: { ...runtime, start }, contract: undefined };
    await takeTurns(followed, weighed({ old, app }, 0, 1));
  } catch (error) {
    failed.abort();
    await following.catch(() => {});
    throw error;
  }
  // In a box: whoever awaits this is not to wait for that.
  return { following };
}

async function follow(runtime: Pick<Runtime, "logs">, process: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const { text } of runtime.logs([process], { lines: 0, follow: true, signal }))
      printResult(printable(text));
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!signal.aborted) throw error;
  }
}

/** Unless somebody decided otherwise meanwhile: returns the app that serves instead. */
async function goBack(context: Context, name: string, { mesh, app, old }: Developed): Promise<App | undefined> {
  await using swapping = await openSwapping(context, name, { command, mesh });
  if (!isAsLeft(swapping, name, { app, old })) return swapping.now.workload.app;
  const { options } = await prepareSwap(context, swapping, { old, app });
  await turnBack({ ...options, contract: undefined });
  return undefined;
}

function isAsLeft({ serving }: Swapping, name: string, { app, old }: Pick<Developed, "app" | "old">): boolean {
  const slots = serving[name];
  const idle = slots?.[old.slot];
  const other = slots?.[otherSlot(old.slot)];
  return isDeepStrictEqual(other, { app, weight: 1 }) && isDeepStrictEqual(idle, { app: old.app, weight: 0 });
}

function notWatched(name: string, app: App): MeshError {
  return new MeshError("MESH_NO_WATCH", `${name} is run by ${appInWords(app)}, and only what Node runs is watched`, {
    fix: `./mesh dev ${name} --node FILE; or edit, then ./mesh swap ${name} --app DIR`,
  });
}

function alreadyDeveloped(context: Context, name: string): MeshError {
  return new MeshError("MESH_NO_WATCH", `${name} is under ./mesh dev already, or one that was killed left it so`, {
    fix: `${typed(context)} swap ${name} --back`,
  });
}

function inContainers(): MeshError {
  return new MeshError("MESH_NO_WATCH", "containers run what is in their image, which edits do not reach", {
    fix: `after each edit: ./mesh up; or develop natively: ./mesh down, then ./mesh up --runtime native`,
  });
}

function unseen({ repositoryDir }: Context, runFrom: string): MeshError {
  return new MeshError(
    "MESH_NO_WATCH",
    `the users of the processes cannot read ${repositoryDir}: they run a copy in ${runFrom}, which edits do not reach`,
    {
      fix: `let them: chmod -R o+rX ${repositoryDir}, and o+x on each folder above it; or run as yourself, not as root`,
    },
  );
}
