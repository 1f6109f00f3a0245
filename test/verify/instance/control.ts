// The rightful request, which every refusal stands beside: the caller's own SVID on the callee's listener gets 200, so does
// the caller's app over its sidecar, and the app receives exactly that.

import { requestsIn } from "./app-witness.ts";
import type { Issued } from "./authority.ts";
import type { KeyedMesh } from "./keyed-mesh.ts";
import type { LiveMesh } from "./live-mesh.ts";
import { inboundOf, type PrivateMesh } from "./private-mesh.ts";
import { probe, probePlain, type Seen } from "./probe.ts";

/** A certificate that SPIRE Server could have signed for the caller: same authority, same SPIFFE ID. One does for all. */
export async function rightful(mesh: KeyedMesh): Promise<Issued> {
  const svid = svids.get(mesh) ?? authorityOf(mesh, mesh.caller.trustDomain).issue({ uris: [mesh.caller.spiffeId] });
  svids.set(mesh, svid);
  return svid;
}

const svids = new WeakMap<KeyedMesh, Promise<Issued>>();

export function authorityOf({ authorities }: Pick<KeyedMesh, "authorities">, trustDomain: string) {
  const authority = authorities.get(trustDomain);
  if (authority === undefined) throw new Error(`there is no authority of ${trustDomain}`);
  return authority;
}

/** The allowed request as bytes. */
export function allowedRequest({ edge }: Pick<LiveMesh, "edge">, headers = ""): string {
  return `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\n${headers}connection: close\r\n\r\n`;
}

/** As the caller's own app does, over its sidecar. */
export async function callOut(
  { caller, edge }: Pick<LiveMesh, "caller" | "edge">,
  raw: string,
  deadlineMs?: number,
): Promise<Seen> {
  const path = caller.outbound.find(({ callee }) => callee === edge.callee)?.socket;
  if (path === undefined) throw new Error(`${edge.caller} does not call ${edge.callee}`);
  return probePlain({ path }, raw, deadlineMs);
}

/** Empty when it is as it should be; else what was wrong. */
export async function control(mesh: PrivateMesh): Promise<string> {
  return (await byItsOwnSvid(mesh)) || byItsSidecar(mesh);
}

async function byItsOwnSvid(mesh: PrivateMesh): Promise<string> {
  mesh.app.take();
  const seen = await probe(inboundOf(mesh.callee), { shown: await rightful(mesh), raw: allowedRequest(mesh) });
  const problem = servedProblem(mesh, seen);
  if (problem !== "" || seen.kind !== "http") return `the rightful caller ${problem}`;
  const { protocol, reused } = seen.session;
  return protocol === "TLSv1.3" && !reused ? "" : `over ${JSON.stringify(seen.session)}`;
}

/** Of one new connection: its version, its key exchange, and no session of before. */
const agreed = "curves.X25519MLKEM768 1, handshake 1, versions.TLSv1.3 1";

/** Both sidecars must count the same of the connection between them, and of no other. */
async function byItsSidecar(mesh: PrivateMesh): Promise<string> {
  mesh.relay.cut();
  const sidecars = [mesh.caller, mesh.callee];
  const ends = await Promise.all(
    sidecars.map(async (sidecar) => ({ ...sidecar, before: await sidecar.witness.look() })),
  );
  const problem = servedProblem(mesh, await callOut(mesh, allowedRequest(mesh)));
  if (problem !== "") return `the caller's app ${problem}`;
  const heard = ends.map(async ({ process, witness, before }) => {
    const counted = await witness.handshakes(before);
    return counted === agreed ? [] : [`${process} counts ${counted || "no handshake"}`];
  });
  return (await Promise.all(heard)).flat().join("; ");
}

function servedProblem(mesh: PrivateMesh, seen: Seen): string {
  const requests = requestsIn(mesh.app.take());
  if (seen.kind !== "http" || seen.status !== 200) return `got ${JSON.stringify(seen)}`;
  return requests.join() === `GET ${mesh.edge.path}` ? "" : `reached the app as ${JSON.stringify(requests)}`;
}
