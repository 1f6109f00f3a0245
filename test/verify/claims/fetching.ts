// Attempts at the callee's SPIRE Server by the bundle endpoint of its hostile partner: SPIRE Server is asked to fetch at once
// (TrustDomain.RefreshBundle), as it does every few seconds by itself.

import { messageOf } from "../../../scripts/errors.ts";
import { bundleDigest } from "../../../scripts/spiffe/bundle.ts";
import { connectServer, type ServerApi } from "../../../scripts/trust/server-api.ts";
import type { Attempt } from "../claim.ts";
import type { Misbehaviour } from "../instance/hostile-domain.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import type { Seen } from "../instance/probe.ts";
import { domainOf, partnerOf, told } from "../instance/users.ts";

type How = (mesh: PrivateMesh) => Misbehaviour | Promise<Misbehaviour>;

/** How long a fetch is waited for: none that ends takes as long, and one that hangs is long known to hang. */
const patience = { ends: 5000, hangs: 750 } as const;
type Patience = keyof typeof patience;

/** While the partner misbehaves: what SPIRE Server says to a fetch, and whether it holds the same bundle as before. */
export function fetched(how: How = () => ({}), expects: Patience = "ends"): (mesh: PrivateMesh) => Promise<Seen> {
  return async (mesh) => {
    const { hostile } = mesh;
    const { adminSocket } = domainOf(mesh).server;
    await using api = await connectServer(adminSocket, { deadlineMs: patience.ends });
    await using asking = await connectServer(adminSocket, { deadlineMs: patience[expects] });
    const before = await heldDigest(api, hostile.trustDomain);
    hostile.misbehave(await how(mesh));
    try {
      const said = await refresh(asking, hostile.trustDomain);
      const isKept = before === (await heldDigest(api, hostile.trustDomain));
      // Another partner's endpoint behaves.
      const partner = partnerOf(mesh);
      const other = partner === undefined ? "fetched" : await refresh(api, partner.trustDomain);
      return told(`${said}; the bundle is ${isKept ? "kept" : "another"}; another partner's is ${other}`);
    } finally {
      hostile.misbehave();
      await refresh(api, hostile.trustDomain);
    }
  };
}

/** Whatever the endpoint does, the bundle that is held stays, and other partners are fetched from. */
export function kept(tried: string, how: How, why: RegExp, expects: Patience = "ends"): Attempt {
  return {
    tried,
    run: fetched(how, expects),
    expected: {
      kind: "denied",
      by: "SPIRE Server",
      saw: new RegExp(`(?:${why.source}).*; the bundle is kept; another partner's is fetched$`, "s"),
      control: {
        tried: "the same bundle endpoint when it behaves",
        run: fetched(),
        saw: /^fetched; the bundle is kept; another partner's is fetched$/,
      },
    },
  };
}

/** Has what the endpoint serves taken up. */
export async function fetchNow(mesh: PrivateMesh): Promise<void> {
  await using api = await connectServer(domainOf(mesh).server.adminSocket);
  await api.refreshBundle(mesh.hostile.trustDomain);
}

async function refresh(api: ServerApi, trustDomain: string): Promise<string> {
  try {
    await api.refreshBundle(trustDomain);
    return "fetched";
  } catch (error) {
    return messageOf(error).replace(/^.* did not do /, "");
  }
}

async function heldDigest(api: ServerApi, trustDomain: string): Promise<string> {
  const held = await api.federatedBundle(trustDomain);
  return held === undefined ? "none" : bundleDigest(held);
}
