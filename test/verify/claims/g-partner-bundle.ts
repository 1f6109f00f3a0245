// G19, G20 and a part of G21: what a partner may do to its own bundle, because SPIRE Server lets it, and what it wins by that.

import { once } from "node:events";
import { createServer } from "node:http";

import { until } from "../../../scripts/wait.ts";
import type { Admitted, Attempt, Claim } from "../claim.ts";
import { type Authority, newAuthority, type Shown } from "../instance/authority.ts";
import { allowedRequest } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, type Seen } from "../instance/probe.ts";
import { noChain } from "./certificates.ts";
import { withoutPartnersBundles } from "../instance/users.ts";
import { fetched, fetchNow } from "./fetching.ts";

const call = (mesh: PrivateMesh, shown: Shown): Promise<Seen> =>
  probe(inboundOf(mesh.callee), { shown, raw: allowedRequest(mesh) });

let extra: Authority | undefined;

/** Adds an authority to the partner's bundle, and waits until its sidecars know. */
async function poison(mesh: PrivateMesh): Promise<Seen> {
  const added = await newAuthority(mesh.hostile.trustDomain, "another authority");
  extra = added;
  mesh.hostile.misbehave({ answer: (_, response) => response.end(mesh.hostile.document(besides(mesh, added))) });
  await fetchNow(mesh);
  const partner = await added.issue({ uris: [mesh.partnerId] });
  const isServed = async (): Promise<boolean> => (await call(mesh, partner)).kind === "http";
  await until("the sidecar has the partner's new bundle", isServed, { deadlineMs: 10_000, intervalMs: 50 });
  return call(mesh, partner);
}

async function withPoison(mesh: PrivateMesh, attack: (added: Authority) => Promise<Seen>): Promise<Seen> {
  try {
    return await attack(extra ?? (await newAuthority(mesh.hostile.trustDomain)));
  } finally {
    mesh.hostile.misbehave();
    await fetchNow(mesh);
  }
}

function besides({ hostile }: PrivateMesh, added: Authority) {
  return { x509Authorities: [hostile.authority.der, added.der], sequence: 2 };
}

/** SPIRE Server takes it. */
const accepted = (why: string): Admitted => ({
  kind: "admitted",
  why,
  seen: (seen) =>
    seen.kind === "told" && seen.text.startsWith("fetched; the bundle is another")
      ? undefined
      : "it is not accepted any more",
});

/** What the partner had published before its last change. */
async function rolledBack(mesh: PrivateMesh): Promise<Seen> {
  const later = mesh.hostile.document(besides(mesh, await newAuthority(mesh.hostile.trustDomain, "another authority")));
  mesh.hostile.misbehave({ answer: (_, response) => response.end(later) });
  await fetchNow(mesh);
  return fetched()(mesh);
}

/** A bundle from a server that shows no certificate at all. */
async function redirected(mesh: PrivateMesh): Promise<Seen> {
  const forged = mesh.hostile.document(
    besides(mesh, await newAuthority(mesh.hostile.trustDomain, "another authority")),
  );
  const plain = createServer((_, response) => response.end(forged));
  plain.listen({ host: "127.0.0.1", port: 0 });
  await once(plain, "listening");
  const address = plain.address();
  if (address === null || typeof address === "string") throw new Error("the plain server has no port");
  try {
    return await fetched(() => ({
      answer: (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${address.port}/` }).end(),
    }))(mesh);
  } finally {
    plain.closeAllConnections();
    plain.close();
  }
}

export const plainRedirect: Attempt = {
  tried: "a redirect to plain HTTP",
  run: redirected,
  expected: accepted(
    "SPIRE Server follows redirects wherever they lead: but only the partner's own endpoint can send one, after it proved itself",
  ),
};

export const partnerBundles: readonly Claim[] = [
  {
    id: "G19",
    title: "an earlier bundle of a partner is taken as a later one",
    clause: "SPIFFE_Trust_Domain_and_Bundle.md 4.1.1: spiffe_sequence",
    attempts: [
      {
        tried: "the bundle of sequence 1 after that of sequence 2",
        run: rolledBack,
        expected: accepted(
          "SPIRE Server stores whatever differs, whatever its sequence: but only the partner's own endpoint can serve it, and it is about the partner's own trust domain",
        ),
      },
    ],
  },
  {
    id: "G20",
    title: "one more CA in a partner's bundle vouches for the partner's IDs and no others",
    clause: "SPIFFE_Trust_Domain_and_Bundle.md 3",
    notHere: withoutPartnersBundles,
    attempts: [
      {
        tried: "the partner's ID by a CA that it added to its bundle",
        run: poison,
        expected: {
          kind: "admitted",
          why: "a trust domain's authorities are its own to choose, and this is its own ID",
        },
      },
      {
        tried: "the caller's ID by the same CA",
        run: (mesh) =>
          withPoison(mesh, async (added) => call(mesh, await added.issue({ uris: [mesh.caller.spiffeId] }))),
        expected: noChain(),
      },
    ],
  },
];
