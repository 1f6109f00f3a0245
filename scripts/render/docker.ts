// Every file that the docker runtime reads, as it is committed: docker-compose.yml, spire/ and envoy/. Pure.

import type { Mesh } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import { dockerHost } from "../plan/docker.ts";
import { swappedPlanName } from "../plan/layout.ts";
import { ownPart } from "../plan/own-part.ts";
import type { DomainPlan, Plan, RenderedFile } from "../plan/plan.ts";
import type { Serving } from "../plan/slots.ts";
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

/** The project of the checkout itself; any other mesh has a name of its own. */
export const checkoutProject = { name: "federated-spiffe-mesh", context: "." } as const;

export interface DockerFilesOptions {
  /** What becomes of every plan before it is rendered: itself unless given. */
  readonly change?: (plan: Plan) => Plan;
  /** Of the Compose project. */
  readonly name: string;
  /** The checkout, relative to docker-compose.yml or absolute: what images are built from. */
  readonly context: string;
}

/** Every file of a mesh in containers; `./mesh render --check` holds the committed ones to this. */
export function dockerFiles(mesh: Mesh, options: DockerFilesOptions = checkoutProject): CommittedFile[] {
  const { name, context, change = (planned) => planned } = options;
  const planFor = (subnet?: string): Plan =>
    change(plan(mesh, dockerHost(mesh, subnet === undefined ? {} : { subnet })));
  const symbolic = planFor(subnetInFiles);
  const files = mountedFiles(symbolic);
  const compose = composeFile({
    plan: planFor(subnetVariable),
    files,
    configDir,
    name,
    context,
  });
  return [
    { path: "docker-compose.yml", content: compose },
    ...files.map(({ path, content }) => ({ path: path.slice(configDir.length + 1), content })),
    ...symbolic.domains.flatMap(manifestFiles),
    ...dynamicFiles(planFor()),
  ];
}

/** What is beside the committed files while a swap lasts. */
export interface SwappedFiles {
  /** The project's Compose file in docker-compose.yml's place. */
  readonly compose: string;
  /** What controllers start from, in the place of the committed plan.json beside it. */
  readonly plans: readonly CommittedFile[];
}

/** The committed files are as mesh.yaml says, whoever serves. */
export function swappedFiles(
  mesh: Mesh,
  serving: Serving,
  { name, context }: DockerFilesOptions = checkoutProject,
): SwappedFiles {
  const hostWith = (subnet: string) => dockerHost(mesh, { subnet });
  const symbolic = plan(mesh, hostWith(subnetInFiles), serving);
  const isSwapped = ({ sidecars }: DomainPlan): boolean => sidecars.some(({ workload }) => workload in serving);
  return {
    compose: composeFile({
      plan: plan(mesh, hostWith(subnetVariable), serving),
      // What containers were made of, so that nobody is made anew for a swap.
      files: mountedFiles(plan(mesh, hostWith(subnetInFiles))),
      configDir,
      name,
      context,
      isSwapped: true,
    }),
    plans: symbolic.domains.filter(isSwapped).map((domain) => ({
      path: `spire/${domain.trustDomain}/${swappedPlanName}`,
      content: planFile(symbolic, domain).content,
    })),
  };
}

const configDir = "/etc/mesh";

function mountedFiles(symbolic: Plan): RenderedFile[] {
  return [
    ...render(symbolic).filter(({ dynamic }) => !dynamic),
    ...symbolic.domains.map((domain) => planFile(symbolic, domain)),
  ];
}

/** What the programs of one trust domain read. */
function planFile(whole: Plan, domain: DomainPlan): RenderedFile {
  const { controller } = domain;
  const path = whole.processes.find(({ name }) => name === controller.process)?.files[0];
  if (path === undefined) throw new Error(`${controller.process} starts from no plan`);
  return {
    path,
    process: controller.process,
    dynamic: false,
    mode: 0o644,
    content: `${JSON.stringify(ownPart(whole, domain), null, 2)}\n`,
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
