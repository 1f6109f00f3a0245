// A19–A23: chains from the right CA to the right ID that may not exist.

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

import type { Claim } from "../claim.ts";
import { bothWays } from "./both-ways.ts";
import { expired, noChain } from "./certificates.ts";

const { KeyUsageFlags } = x509;
const pathLen = noChain(/path length constraint exceeded/);

export const chains: readonly Claim[] = [
  {
    id: "A19",
    title: "an expired intermediate vouches for nobody",
    clause: "RFC 5280 6.1.3",
    attempts: [
      ...bothWays(
        "a valid leaf under it",
        async ({ id, ca }) => {
          const intermediate = await ca.issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            from: -7200,
            until: -3600,
          });
          return intermediate.authority.issue({ uris: [id] });
        },
        expired,
      ),
    ],
  },
  {
    id: "A20",
    title: "a workload cannot sign for another with its own SVID",
    clause: "X509-SVID.md 4.1; RFC 5280 4.2.1.9",
    attempts: [
      ...bothWays(
        "a leaf signed by a leaf",
        async ({ id, ca, sibling }) => (await ca.issue({ uris: [sibling] })).authority.issue({ uris: [id] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A21",
    title: "a CA that may not make CAs makes none",
    clause: "RFC 5280 4.2.1.9",
    attempts: [
      ...bothWays(
        "an intermediate below path length 0",
        async ({ id, ca }) => {
          const first = await ca.issue({ ca: true, pathLength: 0, usage: KeyUsageFlags.keyCertSign });
          const second = await first.authority.issue({ ca: true, usage: KeyUsageFlags.keyCertSign });
          return second.authority.issue({ uris: [id] });
        },
        pathLen,
      ),
    ],
  },
  {
    id: "A22",
    title: "an intermediate that may not name this trust domain vouches for nobody in it",
    clause: "RFC 5280 4.2.1.10",
    attempts: [
      ...bothWays(
        "a leaf under an intermediate whose name constraint permits another URI host",
        async ({ id, ca }) => {
          const constraint = new x509.Extension("2.5.29.30", true, uriConstraint("else.example"));
          const intermediate = await ca.issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            extensions: [constraint],
          });
          return intermediate.authority.issue({ uris: [id] });
        },
        noChain(/permitted subtree violation|unsupported name constraint|name constraint/),
      ),
    ],
  },
  {
    id: "A23",
    title: "a hundred certificates are no chain",
    clause: "RFC 5280 6",
    attempts: [
      ...bothWays(
        "the right ID by an unknown CA, and a hundred others behind it",
        async ({ id }, mesh) => {
          const leaf = await mesh.unknown.issue({ uris: [id] });
          return {
            cert: [leaf.cert, ...Array.from({ length: 100 }, () => mesh.unknown.certificate)].join("\n"),
            key: leaf.key,
          };
        },
        noChain(/self signed certificate in certificate chain/),
      ),
      ...bothWays(
        "the right ID by the right CA, below a hundred and twenty intermediates",
        async ({ id, ca }) => {
          let signer = ca;
          for (let depth = 0; depth < 120; depth += 1)
            signer = (await signer.issue({ ca: true, usage: KeyUsageFlags.keyCertSign })).authority;
          return signer.issue({ uris: [id] });
        },
        noChain(/at depth 101: unable to get local issuer certificate/),
      ),
    ],
  },
];

/** NameConstraints that permit one URI host (RFC 5280 4.2.1.10): SEQUENCE { [0] { SEQUENCE { [6] host } } }. */
function uriConstraint(host: string): Uint8Array<ArrayBuffer> {
  const name = [0x86, host.length, ...Buffer.from(host)];
  const subtree = [0x30, name.length, ...name];
  const permitted = [0xa0, subtree.length, ...subtree];
  return new Uint8Array([0x30, permitted.length, ...permitted]);
}
