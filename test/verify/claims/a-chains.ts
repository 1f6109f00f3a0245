// A19–A23: chains from the right CA to the caller's ID that may not exist.

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

import type { Claim } from "../claim.ts";
import { caller, expired, noChain, own, showing, sibling } from "./certificates.ts";

const { KeyUsageFlags } = x509;
const pathLen = noChain(/path length constraint exceeded/);

export const chains: readonly Claim[] = [
  {
    id: "A19",
    title: "an expired intermediate vouches for nobody",
    clause: "RFC 5280 6.1.3",
    attempts: [
      showing(
        "a valid leaf under it",
        async (mesh) => {
          const intermediate = await own(mesh).issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            from: -7200,
            until: -3600,
          });
          return intermediate.authority.issue({ uris: [caller(mesh)] });
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
      showing(
        "a leaf signed by a leaf",
        async (mesh) => (await own(mesh).issue({ uris: [sibling(mesh)] })).authority.issue({ uris: [caller(mesh)] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A21",
    title: "a CA that may not make CAs makes none",
    clause: "RFC 5280 4.2.1.9",
    attempts: [
      showing(
        "an intermediate below path length 0",
        async (mesh) => {
          const first = await own(mesh).issue({ ca: true, pathLength: 0, usage: KeyUsageFlags.keyCertSign });
          const second = await first.authority.issue({ ca: true, usage: KeyUsageFlags.keyCertSign });
          return second.authority.issue({ uris: [caller(mesh)] });
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
      showing(
        "a leaf under an intermediate whose name constraint permits another URI host",
        async (mesh) => {
          const constraint = new x509.Extension("2.5.29.30", true, uriConstraint("else.example"));
          const intermediate = await own(mesh).issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            extensions: [constraint],
          });
          return intermediate.authority.issue({ uris: [caller(mesh)] });
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
      showing(
        "the caller's ID by an unknown CA, and a hundred others behind it",
        async (mesh) => {
          const leaf = await mesh.unknown.issue({ uris: [caller(mesh)] });
          return {
            cert: [leaf.cert, ...Array.from({ length: 100 }, () => mesh.unknown.certificate)].join("\n"),
            key: leaf.key,
          };
        },
        noChain(/self signed certificate in certificate chain/),
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
