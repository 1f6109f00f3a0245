// A trust domain of an attacker's own: its CA in the memory of the test, its bundle served over a real bundle endpoint
// (profile https_spiffe) that SPIRE Servers poll.

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";

import type { FederatedTrustDomain } from "../../../scripts/plan/plan.ts";
import { type Bundle, toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { type Authority, newAuthority, type Shown } from "./authority.ts";

export interface HostileDomain extends AsyncDisposable {
  readonly trustDomain: string;
  readonly authority: Authority;
  /** What makes a trust domain of the mesh federate with it. */
  readonly relationship: FederatedTrustDomain;
  /** How often its bundle was fetched. */
  readonly polls: () => number;
  /** The document of its bundle: as it should be, but for these. */
  readonly document: (bundle?: Partial<Pick<Bundle, "x509Authorities" | "jwtAuthorities" | "sequence">>) => string;
  /** What its bundle endpoint does from now on; nothing: what it should. */
  readonly misbehave: (how?: Misbehaviour) => void;
}

export interface Misbehaviour {
  /** The certificate that it shows. */
  readonly shown?: Shown;
  /** What it answers. */
  readonly answer?: RequestListener;
}

/** @param bundleFile where it introduces itself to SPIRE Servers, as a partner would */
export async function startHostileDomain(trustDomain: string, bundleFile: string): Promise<HostileDomain> {
  const authority = await newAuthority(trustDomain);
  const document: HostileDomain["document"] = (bundle = {}) =>
    toBundleDocument({
      trustDomain,
      x509Authorities: [authority.der],
      jwtAuthorities: [],
      sequence: 1,
      refreshHintSeconds: 60,
      ...bundle,
    });
  await writeFile(bundleFile, document(), { mode: 0o644 });
  const endpointSpiffeId = `spiffe://${trustDomain}/spire/server`;
  let polls = 0;
  let how: Misbehaviour = {};
  const svid = await authority.issue({ uris: [endpointSpiffeId] });
  const server = createServer(svid, (request, response) => {
    polls += 1;
    if (how.answer === undefined) response.end(document());
    else how.answer(request, response);
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the bundle endpoint has no port");
  return {
    trustDomain,
    authority,
    relationship: {
      name: `verify-${trustDomain.replaceAll(".", "-")}`,
      trustDomain,
      bundleEndpointURL: `https://127.0.0.1:${address.port}`,
      bundleEndpointProfile: { type: "https_spiffe", endpointSPIFFEID: endpointSpiffeId },
      bootstrapBundleFile: bundleFile,
    },
    polls: () => polls,
    document,
    misbehave: (next = {}) => {
      how = next;
      const { cert, key } = next.shown ?? svid;
      server.setSecureContext({ cert, key });
      // What was begun before would be answered as before.
      server.closeAllConnections();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
