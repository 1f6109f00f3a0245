// Every file that the docker runtime reads, as it is committed: docker-compose.yml, spire/ and envoy/. Pure.

import type { Mesh } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import { dockerHost } from "../plan/docker.ts";
import type { DomainPlan, Plan, RenderedFile } from "../plan/plan.ts";
import { composeFile } from "./compose.ts";
import { subnetVariable } from "./compose-fragments.ts";
import { manifests } from "./manifests.ts";
import { render } from "./render.ts";

export interface CommittedFile {
  /** Relative to the checkout. */
  readonly path: string;
  readonly content: string;
}

/** What SPIRE (`-expandEnv`) and our programs in the containers replace by the subnet in use. */
const subnetInFiles = "${MESH_SUBNET}";

/** The committed renderings of a mesh; `./mesh render --check` holds them to this. */
export function dockerFiles(mesh: Mesh): CommittedFile[] {
  const symbolic = plan(mesh, dockerHost(mesh, { subnet: subnetInFiles }));
  const files = mountedFiles(symbolic);
  const compose = composeFile({ plan: plan(mesh, dockerHost(mesh, { subnet: subnetVariable })), files, configDir });
  return [
    { path: "docker-compose.yml", content: compose },
    ...files.map(({ path, content }) => ({ path: path.slice(configDir.length + 1), content })),
    ...symbolic.domains.flatMap(manifestFiles),
    ...dynamicFiles(plan(mesh, dockerHost(mesh))),
  ];
}

const configDir = "/etc/mesh";

function mountedFiles(symbolic: Plan): RenderedFile[] {
  return [
    ...render(symbolic).filter(({ dynamic }) => !dynamic),
    ...symbolic.domains.map((domain) => planFile(symbolic, domain)),
  ];
}

/** What the programs of one trust domain need to know: their own part, as two companies would have it. */
function planFile(whole: Plan, domain: DomainPlan): RenderedFile {
  const { trustDomain, controller } = domain;
  const processes = whole.processes.filter((process) => process.trustDomain === trustDomain);
  const names = processes.map(({ name }) => name);
  const own: Plan = {
    runtime: whole.runtime,
    domains: [domain],
    processes,
    folders: whole.folders.filter(({ mounts = {} }) => Object.keys(mounts).every((name) => names.includes(name))),
    edges: whole.edges.filter(({ caller }) => caller.trustDomain === trustDomain),
  };
  const path = processes.find(({ name }) => name === controller.process)?.files[0];
  if (path === undefined) throw new Error(`${controller.process} starts from no plan`);
  return {
    path,
    process: controller.process,
    dynamic: false,
    mode: 0o644,
    content: `${JSON.stringify(own, null, 2)}\n`,
  };
}

function manifestFiles(domain: DomainPlan): CommittedFile[] {
  return Object.entries(manifests(domain)).map(([name, content]) => ({
    path: `spire/${domain.trustDomain}/manifests/${name}`,
    content,
  }));
}

/** As the controllers write them: nothing in a container reads these copies. */
function dynamicFiles(concrete: Plan): CommittedFile[] {
  const workloads = new Map(
    concrete.domains.flatMap(({ sidecars }) => sidecars.map((one) => [one.process, one.workload])),
  );
  return render(concrete)
    .filter(({ dynamic }) => dynamic)
    .map(({ path, process, content }) => ({
      path: `envoy/${workloads.get(process)}/${path.slice(path.lastIndexOf("/") + 1)}`,
      content,
    }));
}
