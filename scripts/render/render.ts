// Plan → files. Pure; runtime/ writes the static ones, control/ the dynamic ones.

import type { DomainPlan, Plan, RenderedFile, SidecarPlan } from "../plan/plan.ts";
import { bootstrap } from "./bootstrap.ts";
import { dynamicFileNames, renderDynamic } from "./dynamic.ts";
import { agentConf, serverConf } from "./spire.ts";
import { bootstrapYaml } from "./yaml.ts";

const readable = 0o644;
/** The folder's group is the sidecar's. */
const sidecarOnly = 0o640;

/** Every file of the plan; none holds a secret. */
export function render(plan: Plan): RenderedFile[] {
  return plan.domains.flatMap((domain) => [
    ...spireFiles(plan, domain),
    ...domain.sidecars.flatMap((sidecar) => sidecarFiles(sidecar)),
  ]);
}

function spireFiles(plan: Plan, domain: DomainPlan): RenderedFile[] {
  const fileOf = (process: string, content: string): RenderedFile => {
    const path = plan.processes.find(({ name }) => name === process)?.files[0];
    if (path === undefined) throw new Error(`${process} reads no configuration file`);
    return { path, process, dynamic: false, mode: readable, content };
  };
  return [fileOf(domain.server.process, serverConf(domain)), fileOf(domain.agent.process, agentConf(domain))];
}

function sidecarFiles(sidecar: SidecarPlan): RenderedFile[] {
  const { process, dynamicDir, bootstrapFile } = sidecar;
  const heading = `${process}: what never changes while it runs.\nRendered from mesh.yaml.`;
  const dynamic = renderDynamic(sidecar);
  return [
    {
      path: bootstrapFile,
      process,
      dynamic: false,
      mode: readable,
      content: bootstrapYaml(heading, bootstrap(sidecar)),
    },
    ...dynamicFileNames.map((name) => ({
      path: `${dynamicDir}/${name}`,
      process,
      dynamic: true,
      mode: sidecarOnly,
      content: dynamic[name],
    })),
  ];
}
