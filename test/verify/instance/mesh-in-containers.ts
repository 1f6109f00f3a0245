// The mesh of `./mesh verify --runtime docker`: the same description, images and renderings as a Compose project of its own, with its
// own name, addresses and state. What differs: the CAs' keys are the test's too, and a hostile trust domain is federated with. Apps
// and the networks between sidecars are as they are; the attacker is a container beside the callee's sidecar.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Context } from "../../../scripts/commands/context.ts";
import { filesOptions, openProject } from "../../../scripts/commands/open-docker.ts";
import { askContainer } from "../../../scripts/control/ask-container.ts";
import { bringUpContainers } from "../../../scripts/control/bring-up-containers.ts";
import type { Mesh } from "../../../scripts/model/mesh.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { dockerHost } from "../../../scripts/plan/docker.ts";
import type { FederatedTrustDomain, Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";
import { dockerFiles } from "../../../scripts/render/docker.ts";
import type { ComposeProject } from "../../../scripts/runtime/compose-project.ts";
import { dockerRuntime } from "../../../scripts/runtime/docker.ts";
import { writeRendered } from "../../../scripts/runtime/rendered.ts";
import { openStateFolder } from "../../../scripts/runtime/state.ts";
import { chooseSubnet } from "../../../scripts/runtime/subnet.ts";
import { toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { npmConfiguration } from "../../../scripts/tools/docker/npm-configuration.ts";
import { type Authority, newAuthority } from "./authority.ts";
import type { KeyedMesh } from "./keyed-mesh.ts";
import type { Edge } from "./live-mesh.ts";
import { openOutpost } from "./network.ts";
import { prepared, longestIdOf, partnerIdOf } from "./prepared-plan.ts";
import { besideOthers, hostileTrustDomain, inboundOf, sidecarsOf } from "./private-mesh.ts";
import { sourceInContainer } from "./sidecar-source.ts";
import { sidecarWitness } from "./sidecar-witness.ts";
import { signingUnder } from "./upstream.ts";

export interface MeshInContainers extends KeyedMesh, AsyncDisposable {}

interface Options {
  readonly mesh: Mesh;
  readonly edge: Edge;
  /** Whose state folder is nobody's. */
  readonly context: Context;
}

const quiet = (): void => {};
/** Of a trust domain's rendered files, in its containers. */
const configOf = (trustDomain: string): string => `/etc/mesh/spire/${trustDomain}`;
const hostileFile = "hostile.json";

/** Whoever gave the folder ends what is brought up there. */
export async function startMeshInContainers({ mesh: described, edge, context }: Options): Promise<MeshInContainers> {
  await using made = new AsyncDisposableStack();
  const mesh = await besideOthers(described);
  const folder = await openStateFolder(context.stateDir, { create: true });
  const found = await openProject(context, folder);
  const subnet = await chooseSubnet(found, undefined);
  const npm = await npmConfiguration({ env: found.env, signal: context.signal });
  const project = { ...found, env: { ...found.env, ...npm, MESH_SUBNET: subnet } };
  const hostile = { trustDomain: hostileTrustDomain, authority: await newAuthority(hostileTrustDomain) };
  const authorities = new Map<string, Authority>();
  for (const { domain } of mesh.trustDomains) authorities.set(domain, await newAuthority(domain));
  const change = (planned: Plan): Plan =>
    prepared(planned, {
      edge,
      relationship: relationshipWith(hostile.trustDomain, subnet),
      bundleFileOf: (trustDomain) => `${configOf(trustDomain)}/${hostileFile}`,
    });
  const planned = change(plan(mesh, dockerHost(mesh, { subnet })));
  await writeRendered(project.dir, withUpstream(dockerFiles(mesh, { ...filesOptions(context, folder), change })));
  await writeKeys(project, { authorities, hostile });
  const runtime = dockerRuntime(project, planned, folder);
  const { signal, offline } = context;
  await bringUpContainers({ before: undefined, plan: planned, project, runtime, offline, report: quiet, signal });
  const { callee, caller } = sidecarsOf(planned, edge);
  const network = made.use(await openOutpost(project, planned, inboundOf(callee)));
  const ask = askContainer(project);
  const withWitness = async (sidecar: SidecarPlan) => {
    const domain = planned.domains.find(({ trustDomain }) => trustDomain === sidecar.trustDomain);
    const controller = domain?.controller.process ?? "";
    const source = made.use(await sourceInContainer({ ...sidecar, controller, project }));
    return { ...sidecar, witness: sidecarWitness(source) };
  };
  const ends = { callee: await withWitness(callee), caller: await withWitness(caller) };
  const kept = made.move();
  return {
    plan: planned,
    runtime,
    ask,
    network,
    edge,
    authorities,
    hostile,
    unknown: await newAuthority("unknown.example"),
    longestId: longestIdOf(caller.trustDomain),
    partnerId: partnerIdOf(hostile.trustDomain),
    attackers: {
      as: () => Promise.reject(new Error("in containers there are no other users")),
      [Symbol.asyncDispose]: async () => {},
    },
    ...ends,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Nobody answers there: the hostile bundle is the one by which it introduced itself. */
function relationshipWith(trustDomain: string, subnet: string): FederatedTrustDomain {
  return {
    name: `verify-${trustDomain.replaceAll(".", "-")}`,
    trustDomain,
    bundleEndpointURL: `https://${subnet}.0.253:8443`,
    bundleEndpointProfile: { type: "https_spiffe", endpointSPIFFEID: `spiffe://${trustDomain}/spire/server` },
    bootstrapBundleFile: hostileFile,
  };
}

function withUpstream<File extends { readonly path: string; readonly content: string }>(
  files: readonly File[],
): File[] {
  return files.map((file) => {
    const [, trustDomain] = /^spire\/([^/]+)\/server\.conf$/.exec(file.path) ?? [];
    if (trustDomain === undefined) return file;
    const at = configOf(trustDomain);
    return {
      ...file,
      content: signingUnder({ cert: `${at}/upstream.pem`, key: `${at}/upstream.key.pem` }, file.content),
    };
  });
}

interface Keys {
  readonly authorities: ReadonlyMap<string, Authority>;
  readonly hostile: KeyedMesh["hostile"];
}

/** Beside what is rendered for a trust domain, which its containers have as a folder that they can only read. */
async function writeKeys({ dir }: ComposeProject, { authorities, hostile }: Keys): Promise<void> {
  const document = toBundleDocument({
    trustDomain: hostile.trustDomain,
    x509Authorities: [hostile.authority.der],
    jwtAuthorities: [],
    sequence: 1,
    refreshHintSeconds: 60,
  });
  for (const [trustDomain, authority] of authorities) {
    const at = join(dir, "spire", trustDomain);
    // Readable by containers' users, and worth nothing: these keys sign for this instance alone, and die with it.
    await writeFile(join(at, "upstream.pem"), authority.certificate, { mode: 0o644 });
    await writeFile(join(at, "upstream.key.pem"), await authority.privateKey(), { mode: 0o644 });
    await writeFile(join(at, hostileFile), document, { mode: 0o644 });
  }
}
