// ./mesh up on the docker runtime: renders what the containers read, and has Compose run it.

import { bringUpContainers } from "../control/bring-up-containers.ts";
import { exitStatus } from "../errors.ts";
import { printNote, printResult } from "../output/print.ts";
import { formatDifference, formatWelcome } from "../output/up.ts";
import { plan } from "../plan/build.ts";
import { defaultSubnet, dockerHost } from "../plan/docker.ts";
import { checkoutProject, dockerFiles } from "../render/docker.ts";
import { checkAppFiles, refuseWhatImagesLack } from "../runtime/app-files.ts";
import type { ComposeProject } from "../runtime/compose-project.ts";
import { containersOf } from "../runtime/containers.ts";
import { readServing, servedOtherwise } from "../runtime/decisions.ts";
import { dockerRuntime, exists } from "../runtime/docker.ts";
import { takeLock } from "../runtime/lock.ts";
import { checkPublished } from "../runtime/preflight.ts";
import { writeRendered } from "../runtime/rendered.ts";
import { openStateFolder } from "../runtime/state.ts";
import { writeSwapped } from "../runtime/swapped.ts";
import { chooseSubnet, chosenSubnet, forgetSubnet } from "../runtime/subnet.ts";
import { npmConfiguration } from "../tools/docker/npm-configuration.ts";
import { readMesh, type Context, typed } from "./context.ts";
import { filesOptions, openProject, swappedContent } from "./open-docker.ts";

export async function upDocker(context: Context): Promise<number> {
  const begun = performance.now();
  const { report, signal, repositoryDir, offline } = context;
  const mesh = await readMesh(context);
  refuseWhatImagesLack(mesh);
  await checkAppFiles(mesh, repositoryDir);
  const folder = await openStateFolder(context.stateDir, { create: true });
  await using _lock = await takeLock(folder.path, "./mesh up");
  const found = await openProject(context, folder);
  const isNew = !(await exists(found));
  const given = await chosenSubnet(found.dir, found.env);
  const preferred = isTheCheckouts(found) ? defaultSubnet : undefined;
  const subnet = isNew ? await chooseSubnet(found, preferred) : (given ?? defaultSubnet);
  const npm = await npmConfiguration({ env: found.env, signal });
  const project = { ...found, env: { ...found.env, ...npm, MESH_SUBNET: subnet } };
  const serving = await readServing(folder, mesh);
  const planned = plan(mesh, dockerHost(mesh, { subnet }), serving);
  const before = await folder.readPlan();
  const running = (await containersOf(project)).filter(({ state }) => state === "running");
  const wasUp = running.length > 0;
  // What has answered nobody yet is given no time to answer.
  const runtime = dockerRuntime(project, planned, folder, wasUp ? {} : { graceSeconds: 1 });
  try {
    await checkPublished(planned, { running: new Set(running.map(({ service }) => service)) });
    if (offline) await provideImages(context, found);
    await writeRendered(project.dir, dockerFiles(mesh, filesOptions(context, folder)));
    await writeSwapped(project, swappedContent(context, folder, { mesh, serving }));
    await folder.writePlan(planned);
    const brought = await bringUpContainers({ before, plan: planned, project, runtime, offline, report, signal });
    const summary = { ...brought, firstRequestMs: undefined, elapsedMs: performance.now() - begun };
    printResult(wasUp ? formatDifference(planned, summary) : formatWelcome(planned, summary, typed(context)));
    for (const { workload, app } of servedOtherwise(mesh, serving))
      printNote(`${workload} is served by ${app}; what mesh.yaml says: ${typed(context)} swap ${workload} --back`);
    return exitStatus.ok;
  } catch (error) {
    // A mesh that was serving goes on with what it has; of a first try nothing is left.
    if (!wasUp) await (isNew ? runtime.destroy() : runtime.suspend());
    if (isNew && given === undefined) await forgetSubnet(project.dir);
    throw error;
  }
}

/** Its numbers are those that the committed files show, as long as they are free. */
function isTheCheckouts({ name }: ComposeProject): boolean {
  return name === checkoutProject.name;
}

/** Where no registry is to be asked: images of the tool cache's programs, under the official names. */
export async function provideImages(context: Context, { env }: Pick<ComposeProject, "env">): Promise<void> {
  const { cacheDir, report, signal, offline } = context;
  const [{ ensureStandIns }, { ensureTools }] = await Promise.all([
    import("../tools/docker/stand-ins/ensure-stand-ins.ts"),
    import("../tools/ensure-tools.ts"),
  ]);
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  await ensureStandIns({ cacheDir, offline, tools, env, report, signal });
}
