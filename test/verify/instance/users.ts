// Who there is on the machine besides the attacked: the users of the mesh's processes, the apps', and a stranger.

import { dirname } from "node:path";

import type { DomainPlan, SidecarPlan, User } from "../../../scripts/plan/plan.ts";
import type { Task } from "./attacker.ts";
import type { KeyedMesh } from "./keyed-mesh.ts";
import type { LiveMesh } from "./live-mesh.ts";
import type { Seen } from "./probe.ts";

/** `nobody`: no process of a mesh has it. */
export const stranger: User = { uid: 65_534, gid: 65_534, groups: [] };

/** The trust domain of the callee. */
export function domainOf({ plan, callee }: LiveMesh): DomainPlan {
  const domain = plan.domains.find(({ trustDomain }) => trustDomain === callee.trustDomain);
  if (domain === undefined) throw new Error(`the plan has no ${callee.trustDomain}`);
  return domain;
}

/** A trust domain of this mesh that the callee's federates with; undefined where there is but one. */
export function partnerOf(mesh: LiveMesh): DomainPlan | undefined {
  const partners = domainOf(mesh).relationships.map(({ trustDomain }) => trustDomain);
  return mesh.plan.domains.find(({ trustDomain }) => partners.includes(trustDomain));
}

export function withoutPartner(mesh: LiveMesh): string | undefined {
  return partnerOf(mesh) === undefined ? "this mesh has one trust domain" : undefined;
}

/** Why a partner's workload cannot call the callee, whatever its SVID; undefined when one can. By mesh.yaml, not by the plan. */
export function withoutPartnersBundles({ callee: { inbound, trustDomain }, partnerId }: KeyedMesh): string | undefined {
  const declared = inbound?.callers.filter(({ spiffeId }) => spiffeId !== partnerId) ?? [];
  const isOwn = declared.every(({ spiffeId }) => spiffeId.startsWith(`spiffe://${trustDomain}/`));
  return isOwn ? "the callee is called from its own trust domain alone" : undefined;
}

export function userOf({ plan }: LiveMesh, process: string): User {
  const found = plan.processes.find(({ name }) => name === process);
  if (found === undefined) throw new Error(`the plan has no process ${process}`);
  return found.user;
}

/** Of the callee's app. */
export function appSocketOf({ callee }: LiveMesh): string {
  const socket = socketOf(callee);
  if (socket === undefined) throw new Error("the app does TCP");
  return socket;
}

/** Why a row about the app's socket cannot be tried; undefined when it can. */
export function withoutSocket({ callee }: LiveMesh): string | undefined {
  return socketOf(callee) === undefined ? `${callee.workload} does TCP` : undefined;
}

/** Of a sidecar's app; undefined when that does TCP. */
export function socketOf({ apps: [{ address }] }: Pick<SidecarPlan, "apps">): string | undefined {
  return "socket" in address ? address.socket : undefined;
}

/** Of the app that the test stands in for: its folder is still its own. */
export function appUserOf({ plan }: LiveMesh, sidecar: Pick<SidecarPlan, "apps">): User {
  const socket = socketOf(sidecar);
  const folder = socket === undefined ? undefined : plan.folders.find(({ path }) => path === dirname(socket));
  if (folder === undefined) throw new Error("the app has no socket");
  return { uid: folder.owner.uid, gid: folder.owner.uid, groups: [] };
}

/** Who could open the agent's socket, had somebody given it that group. */
export function insideAgentFolder(mesh: LiveMesh, user: User): User {
  return { ...user, groups: [...user.groups, userOf(mesh, domainOf(mesh).agent.process).gid] };
}

/** Why a row about other users cannot be tried; undefined when it can. */
export function withoutUsers({ plan }: LiveMesh): string | undefined {
  if (plan.runtime === "docker") return "in containers it is mounts that keep others out: ./mesh test docker";
  const users = new Set(plan.processes.map(({ user }) => user.uid));
  return users.size > 1 ? undefined : "without root all processes have one user: there is nobody else to try it as";
}

export const told = (text: string): Seen => ({ kind: "told", text });

type Of<T, Mesh extends LiveMesh> = (mesh: Mesh) => T | Promise<T>;

/** Tries it as one user. */
export function as<Mesh extends LiveMesh>(who: Of<User, Mesh>, what: Of<Task, Mesh>): (mesh: Mesh) => Promise<Seen> {
  return async (mesh) => told((await mesh.attackers.as(await who(mesh), await what(mesh))).said);
}

/** Tries it as everybody there is, but for these processes. */
export function asEverybodyBut<Mesh extends LiveMesh>(
  processes: Of<readonly string[], Mesh>,
  what: Of<Task, Mesh>,
): (mesh: Mesh) => Promise<Seen> {
  return async (mesh) => {
    const [spared, task] = [await processes(mesh), await what(mesh)];
    const others = everybody(mesh).filter(({ name }) => !spared.includes(name));
    const heard = await Promise.all(
      others.map(async ({ name, user }) => ({ name, said: (await mesh.attackers.as(user, task)).said })),
    );
    const bySaying = Map.groupBy(heard, ({ said }) => said);
    const parts = [...bySaying].map(([said, to]) => `${said} to ${to.map(({ name }) => name).join(", ")}`);
    return told(parts.join("; "));
  };
}

function everybody(mesh: LiveMesh): { readonly name: string; readonly user: User }[] {
  const processes = mesh.plan.processes.map(({ name, user }) => ({ name, user }));
  const sidecars = mesh.plan.domains.flatMap((domain) => domain.sidecars);
  const apps = sidecars
    .filter((sidecar) => socketOf(sidecar) !== undefined)
    .map((sidecar) => ({ name: sidecar.workload, user: appUserOf(mesh, sidecar) }));
  return [...processes, ...apps, { name: "a stranger", user: stranger }];
}
