// What `./mesh swap` needs of a mesh in containers: the same plans, kept in files that Compose and the controllers read.

import { weighed } from "../control/swap.ts";
import { slotsInContainers } from "../control/slots-in-containers.ts";
import { withinContainers } from "../control/within-containers.ts";
import { MeshError } from "../errors.ts";
import type { Workload } from "../model/mesh.ts";
import { defaultSubnet, dockerHost } from "../plan/docker.ts";
import { checkAppFiles, refuseWhatImagesLack } from "../runtime/app-files.ts";
import type { ComposeProject } from "../runtime/compose-project.ts";
import { openStateFolder } from "../runtime/state.ts";
import { chosenSubnet } from "../runtime/subnet.ts";
import { writeSwapped } from "../runtime/swapped.ts";
import { npmConfiguration } from "../tools/docker/npm-configuration.ts";
import type { Context } from "./context.ts";
import { swappedContent } from "./open-docker.ts";
import { type Apps, decisionsOf, type Prepared, type Swapping } from "./swapping.ts";

/** @throws MeshError as `prepareSwap` does; MESH_RUNTIME_FIXED where containers cannot be swapped */
export async function prepareInContainers(
  context: Context,
  swapping: Swapping & { readonly project: ComposeProject },
  { old, app }: Apps,
): Promise<Prepared> {
  const { folder, mesh, workload, project: found } = swapping;
  const { report, signal, repositoryDir, offline, stateDir } = context;
  refuseHeldNetwork(workload);
  const candidate = { ...mesh, workloads: [{ ...workload, app }] };
  refuseWhatImagesLack(candidate);
  await checkAppFiles(candidate, repositoryDir);
  // A mesh that plain `docker compose` brought up has none yet.
  await openStateFolder(stateDir, { create: true });
  const subnet = (await chosenSubnet(found.dir, found.env)) ?? defaultSubnet;
  const npm = await npmConfiguration({ env: found.env, signal });
  const project = { ...found, env: { ...found.env, ...npm, MESH_SUBNET: subnet } };
  const { withSlots, ...decisions } = decisionsOf(swapping, dockerHost(mesh, { subnet }));
  const plan = decisions.planWith(weighed({ old, app }, 1, 0));
  const options: Prepared["options"] = {
    workload: workload.name,
    old,
    app,
    ...decisions,
    writePlan: async (planned, slots) => {
      await writeSwapped(project, swappedContent(context, folder, { mesh, serving: withSlots(slots) }));
      await folder.writePlan(planned);
    },
    runtime: slotsInContainers({ project, folder, workload: workload.name, plan, offline, signal }),
    within: withinContainers(project),
    report,
    signal,
  };
  return { options, runFrom: "the image of our apps" };
}

/** Who holds the network says it is well while mesh.yaml's app listens in it, and its sidecar ends with it. */
function refuseHeldNetwork({ name, app }: Workload): void {
  if (app.listen === undefined) return;
  throw new MeshError(
    "MESH_RUNTIME_FIXED",
    `mesh.yaml's app of ${name} shares a network with its sidecar, which is made for that app: in containers no other can take its place while it serves`,
    { fix: "write the new `app` in mesh.yaml, then ./mesh up: requests wait for it while it starts" },
  );
}
