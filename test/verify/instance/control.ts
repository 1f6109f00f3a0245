// The rightful request, which every refusal stands beside: the caller's own SVID on the callee's listener gets 200, and the
// app receives exactly that.

import { requestsIn } from "./app-witness.ts";
import type { Issued } from "./authority.ts";
import { inboundOf, type PrivateMesh } from "./private-mesh.ts";
import { probe, type Seen } from "./probe.ts";

/** A certificate that SPIRE Server could have signed for the caller: same authority, same SPIFFE ID. */
export async function rightful(mesh: PrivateMesh): Promise<Issued> {
  return authorityOf(mesh, mesh.caller.trustDomain).issue({ uris: [mesh.caller.spiffeId] });
}

export function authorityOf({ authorities }: PrivateMesh, trustDomain: string) {
  const authority = authorities.get(trustDomain);
  if (authority === undefined) throw new Error(`there is no authority of ${trustDomain}`);
  return authority;
}

/** The allowed request as bytes. */
export function allowedRequest({ edge }: PrivateMesh, headers = ""): string {
  return `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\n${headers}connection: close\r\n\r\n`;
}

/** Empty when it is as it should be; else what was wrong. */
export async function control(mesh: PrivateMesh): Promise<string> {
  mesh.app.take();
  const seen: Seen = await probe(inboundOf(mesh.callee), {
    shown: await rightful(mesh),
    raw: allowedRequest(mesh),
  });
  const requests = requestsIn(mesh.app.take());
  if (seen.kind !== "http" || seen.status !== 200) return `the rightful caller got ${JSON.stringify(seen)}`;
  if (seen.session.protocol !== "TLSv1.3" || seen.session.reused) return `over ${JSON.stringify(seen.session)}`;
  const wanted = `GET ${mesh.edge.path}`;
  return requests.length === 1 && requests[0] === wanted ? "" : `the app received ${JSON.stringify(requests)}`;
}
