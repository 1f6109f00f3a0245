// What both sidecars have counted of TLS since they began: every version that was spoken, and every session resumed.

import type { LiveMesh } from "./instance/live-mesh.ts";

/** Every handshake of both is of this, and none resumed a session: by process, what must be counted. */
export function allOfTls13({ callee, caller }: LiveMesh): Record<string, string[]> {
  return { [callee.process]: ["ssl.versions.TLSv1.3"], [caller.process]: ["ssl.versions.TLSv1.3"] };
}

/** By process, names of the counters that are not 0. */
export async function tlsCounted({ callee, caller }: LiveMesh): Promise<Record<string, string[]>> {
  const counted = [callee, caller].map(async ({ process, witness }) => {
    const { counters } = await witness.look();
    const ofTls = [...counters].filter(([name, by]) => by > 0 && / ssl\.(versions\.|session_reused$)/.test(name));
    return [process, ofTls.map(([name]) => name.replace(/^\w+: /, ""))] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}
