// A trust domain of an attacker's own: its CA in the memory of the test, its bundle served over a real bundle endpoint
// (profile https_spiffe) that SPIRE Servers poll.

import { once } from "node:events";
import { createServer } from "node:https";
import { writeFile } from "node:fs/promises";

import type { FederatedTrustDomain } from "../../../scripts/plan/plan.ts";
import { toBundleDocument } from "../../../scripts/spiffe/bundle.ts";
import { type Authority, newAuthority } from "./authority.ts";

export interface HostileDomain extends AsyncDisposable {
  readonly trustDomain: string;
  readonly authority: Authority;
  /** What makes a trust domain of the mesh federate with it. */
  readonly relationship: FederatedTrustDomain;
  /** How often its bundle was fetched. */
  readonly polls: () => number;
}

/** @param bundleFile where it introduces itself to SPIRE Servers, as a partner would */
export async function startHostileDomain(trustDomain: string, bundleFile: string): Promise<HostileDomain> {
  const authority = await newAuthority(trustDomain);
  const document = toBundleDocument({
    trustDomain,
    x509Authorities: [authority.der],
    jwtAuthorities: [],
    sequence: 1,
    refreshHintSeconds: 60,
  });
  await writeFile(bundleFile, document, { mode: 0o644 });
  const endpointSpiffeId = `spiffe://${trustDomain}/spire/server`;
  let polls = 0;
  const server = createServer(await authority.issue({ uris: [endpointSpiffeId] }), (_, response) => {
    polls += 1;
    response.end(document);
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
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
