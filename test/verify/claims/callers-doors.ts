// The two doors of the caller's sidecar that take plain HTTP: the socket of its own app, and its page.

import type { Admitted, Attempt } from "../claim.ts";
import type { HostPort } from "../../../scripts/model/mesh.ts";
import { startAppWitness } from "../instance/app-witness.ts";
import { callOut } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { noSession, probePlain, type Seen } from "../instance/probe.ts";
import { socketOf } from "../instance/users.ts";
import { policy } from "./certificates.ts";

/** As the caller's own app does, over its sidecar. */
export function callingOut(tried: string, raw: (mesh: PrivateMesh) => string, expected: Admitted): Attempt {
  return {
    tried,
    expected,
    run: (mesh) => callOut(mesh, raw(mesh)),
  };
}

/** As a person at the caller's page does; the attacker is told what the caller's app got. */
export function openingPage(tried: string, raw: string, expected: Attempt["expected"]): Attempt {
  return { tried, expected, run: (mesh) => openPage(mesh, raw), notHere: whyNoPage };
}

async function openPage(mesh: PrivateMesh, raw: string): Promise<Seen> {
  const socket = socketOf(mesh.caller);
  if (socket === undefined) throw new Error(whyNoPage(mesh));
  await using page = await startAppWitness(socket);
  const seen = await probePlain(pageOf(mesh), raw);
  return seen.kind === "http" ? { ...seen, text: page.take().join("") } : seen;
}

export function pageOf({ caller: { published } }: Pick<LiveMesh, "caller">): HostPort {
  if (published === undefined) throw new Error("this caller has no page");
  return published.listen ?? published;
}

export function whyNoPage({ caller }: Pick<LiveMesh, "caller">): string | undefined {
  return caller.published === undefined || socketOf(caller) === undefined ? "this caller has no page" : undefined;
}

/** A path that nobody may have, asked for over the caller's own sidecar, as its app could: the callee's policy refuses it. */
export function askingForMore(path: string): Attempt<LiveMesh> {
  return {
    tried: `GET ${path} by the caller's own sidecar`,
    run: (mesh) => askOver(mesh, path),
    expected: policy,
    notHere: ({ callee, caller }) => {
      const rules = callee.inbound?.callers.find(({ workload }) => workload === caller.workload)?.rules ?? [];
      return rules.some((rule) => rule.path === "/*") ? "this caller may have every path" : undefined;
    },
  };
}

/** The controller may use its apps' doors, to see that they lead somewhere. */
async function askOver({ plan, caller, edge, ask }: LiveMesh, path: string): Promise<Seen> {
  const controller =
    plan.domains.find(({ trustDomain }) => trustDomain === caller.trustDomain)?.controller.process ?? "";
  const socket = caller.outbound.find(({ callee }) => callee === edge.callee)?.socket ?? "";
  const { status, body } = await ask(controller, { socket, path, headers: { host: edge.callee }, deadlineMs: 3000 });
  return { kind: "http", status, text: body, session: noSession };
}
