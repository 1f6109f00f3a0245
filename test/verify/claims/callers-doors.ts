// The two doors of the caller's sidecar that take plain HTTP: the socket of its own app, and its page.

import type { Admitted, Attempt } from "../claim.ts";
import { startAppWitness } from "../instance/app-witness.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { probePlain, type Seen } from "../instance/probe.ts";

/** As the caller's own app does, over its sidecar. */
export function callingOut(tried: string, raw: (mesh: PrivateMesh) => string, expected: Admitted): Attempt {
  return {
    tried,
    expected,
    run: (mesh) => {
      const path = mesh.caller.outbound.find(({ callee }) => callee === mesh.edge.callee)?.socket;
      if (path === undefined) throw new Error(`${mesh.edge.caller} does not call ${mesh.edge.callee}`);
      return probePlain({ path }, raw(mesh));
    },
  };
}

/** As a person at the caller's page does; the attacker is told what the caller's app got. */
export function openingPage(tried: string, raw: string, expected: Attempt["expected"]): Attempt {
  return { tried, expected, run: (mesh) => openPage(mesh, raw), notHere: whyNoPage };
}

async function openPage({ caller }: PrivateMesh, raw: string): Promise<Seen> {
  const { published, app } = caller;
  if (published === undefined || !("socket" in app.address)) throw new Error(whyNoPage({ caller }));
  await using page = await startAppWitness(app.address.socket);
  const seen = await probePlain(published.listen ?? published, raw);
  return seen.kind === "http" ? { ...seen, text: page.take().join("") } : seen;
}

function whyNoPage({ caller: { published, app } }: Pick<PrivateMesh, "caller">): string | undefined {
  return published === undefined || !("socket" in app.address) ? "this caller has no page" : undefined;
}
