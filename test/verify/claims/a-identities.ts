// A7–A16: whose CA may vouch for which ID, and how many of them. Who calls is judged by the callee's sidecar, which holds the bundles
// of all its callers; who answers by the caller's, which holds the bundle of the callee's trust domain alone.

import type { Claim } from "../claim.ts";
import { bothWays } from "./both-ways.ts";
import { namedByItsOwnCa, towardsCallee } from "./callees-place.ts";
import { attacker, isInside, noChain, noStore, noStoreInside, policy, showing, wrongId } from "./certificates.ts";

const exactlyOne = "X509-SVID.md 2: exactly one URI SAN";
const otherDomain = "spiffe://unknown.example/x";
const unheld = towardsCallee(noStore);

export const identities: readonly Claim[] = [
  {
    id: "A7",
    title: "another workload of the same trust domain is refused",
    clause: "SPIFFE-ID.md 2",
    attempts: bothWays("a genuine SVID of /other", async ({ ca, sibling }) => ca.issue({ uris: [sibling] }), wrongId),
  },
  {
    id: "A8",
    title: "a federated CA cannot mint the right ID",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      ...bothWays(
        "the right ID by the hostile partner's CA",
        async ({ id }, { hostile }) => hostile.authority.issue({ uris: [id] }),
        noChain(),
      ),
      ...bothWays(
        "the right ID by the attacked workload's CA",
        async ({ id, judge }) => judge.ca.issue({ uris: [id] }),
        noChain(),
        { notHere: (mesh) => (isInside(mesh) ? "it is the right one" : undefined) },
      ),
    ],
  },
  {
    id: "A9",
    title: "no CA can mint an ID of another trust domain",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      ...bothWays(
        "the attacked workload's own ID, by the CA of the other end",
        async ({ ca, judge }) => ca.issue({ uris: [judge.id] }),
        noChain(),
        { answered: unheld, shownInside: wrongId, answeredInside: towardsCallee(wrongId) },
      ),
      ...bothWays(
        "the attacked workload's own ID, by the hostile CA",
        async ({ judge }, { hostile }) => hostile.authority.issue({ uris: [judge.id] }),
        noChain(),
        { answered: unheld, answeredInside: towardsCallee(noChain()) },
      ),
    ],
  },
  {
    id: "A10",
    title: "a trust domain that is not federated with is refused",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: bothWays(
      "unknown.example by its own CA",
      async (_, { unknown }) => unknown.issue({ uris: [otherDomain] }),
      noStore,
    ),
    live: [
      showing("unknown.example by its own CA", async ({ unknown }) => unknown.issue({ uris: [otherDomain] }), noStore),
    ],
  },
  {
    id: "A11",
    title: "a federated trust domain that is neither caller nor callee is refused",
    clause: "SPIFFE-ID.md 2",
    attempts: bothWays(
      "a genuine SVID of the hostile partner",
      async (_, mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh)] }),
      wrongId,
      { answered: unheld, ...noStoreInside },
    ),
  },
  {
    id: "A12",
    title: "a federated CA does not pass as somebody else with a second URI SAN",
    clause: exactlyOne,
    attempts: bothWays(
      "its own ID first, the right one second",
      async ({ id }, mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh), id] }),
      policy,
      { answered: unheld, ...noStoreInside },
    ),
  },
  {
    id: "A13",
    title: "nor with the right ID first",
    clause: exactlyOne,
    attempts: bothWays(
      "the right ID first, its own second",
      async ({ id }, mesh) => mesh.hostile.authority.issue({ uris: [id, attacker(mesh)] }),
      noChain(),
    ),
  },
  {
    id: "A14",
    title: "two IDs of the caller's own trust domain are not one",
    clause: exactlyOne,
    attempts: [
      ...bothWays("the right one first", async ({ id, ca, sibling }) => ca.issue({ uris: [id, sibling] }), policy, {
        answered: namedByItsOwnCa,
      }),
      ...bothWays("the right one second", async ({ id, ca, sibling }) => ca.issue({ uris: [sibling, id] }), policy, {
        answered: namedByItsOwnCa,
      }),
    ],
  },
  {
    id: "A15",
    title: "a SPIFFE ID as DNS name does not count",
    clause: "X509-SVID.md 2; GHSA-c9g7-xwcv-pjx2",
    attempts: [
      ...bothWays(
        "a URI of the hostile partner's own, the right ID as DNS SAN",
        async ({ id }, mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh)], dns: [id] }),
        wrongId,
        { answered: unheld, ...noStoreInside },
      ),
      ...bothWays(
        "/other of the same trust domain, the right ID as DNS SAN",
        async ({ id, ca, sibling }) => ca.issue({ uris: [sibling], dns: [id] }),
        wrongId,
      ),
    ],
  },
  {
    id: "A16",
    title: "a certificate without a URI SAN is no SVID",
    clause: "X509-SVID.md 2",
    attempts: [
      ...bothWays("the ID as DNS SAN alone", async ({ id, ca }) => ca.issue({ dns: [id] }), noStore),
      ...bothWays("the ID as common name alone", async ({ id, ca }) => ca.issue({ commonName: id }), noStore),
    ],
  },
];
