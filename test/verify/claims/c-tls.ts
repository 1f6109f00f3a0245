// C1–C14: the TLS protocol itself, as a hostile client speaks it to the callee's sidecar.

import { connect } from "node:tls";

import type { Admitted, Attempt, Claim, Refused } from "../claim.ts";
import { allowedRequest, rightful } from "../instance/control.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, probePlain, type ProbeOptions, type Seen } from "../instance/probe.ts";
import { resumeAsCaller } from "./c-hostile-callee.ts";
import { answeringAs, towardsCallee } from "./callees-place.ts";
import { own, caller, local, reachable, showing, tlsError } from "./certificates.ts";
import { fragmented, hugeHello } from "./hellos.ts";
import { oldProtocol, strangersProtocol, strangerUpTo } from "./strangers.ts";

/** The caller's sidecar offers nothing that he speaks. */
const oldCallee = towardsCallee(tlsError(/ALERT PROTOCOL VERSION/));

type Spoken = Pick<ProbeOptions, "minVersion" | "maxVersion" | "ALPNProtocols" | "servername">;

/** The rightful caller, but for how it speaks TLS. */
function speaking(tried: string, tls: Spoken, expected: Refused<KeyedMesh> | Admitted<KeyedMesh>): Attempt {
  return reachable({
    tried,
    expected,
    run: async (mesh) => {
      const { cert, key } = await rightful(mesh);
      return mesh.network.probe(inboundOf(mesh.callee), { shown: { cert, key }, raw: allowedRequest(mesh), ...tls });
    },
  });
}

/** By the rightful caller, and by the callee itself: who speaks it can be had to speak it by whoever is between them. */
function upTo(maxVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2"): Attempt[] {
  const tls = { minVersion: "TLSv1", maxVersion } as const;
  return [
    speaking(maxVersion, tls, oldProtocol),
    answeringAs(
      `${maxVersion}, as the callee`,
      async (mesh) => local(mesh).issue({ uris: [mesh.callee.spiffeId] }),
      oldCallee,
      { tls },
    ),
  ];
}

const belowTls13 = "below TLS 1.3 nothing is spoken: C1, C2";

export const tlsProtocol: readonly Claim[] = [
  {
    id: "C1",
    title: "TLS 1.0 and 1.1 are not spoken",
    clause: "RFC 8996",
    attempts: [...upTo("TLSv1"), ...upTo("TLSv1.1")],
    live: [strangerUpTo("TLSv1"), strangerUpTo("TLSv1.1")],
  },
  {
    id: "C2",
    title: "TLS 1.2 is not spoken",
    clause: "RFC 9325 3.1.1",
    attempts: upTo("TLSv1.2"),
    live: [strangerUpTo("TLSv1.2")],
  },
  { id: "C3", title: "a downgrade is not possible", clause: "RFC 8446 4.1.3", attempts: [], notHere: belowTls13 },
  { id: "C4", title: "no weak cipher suite is spoken", clause: "RFC 9325 4.1", attempts: [], notHere: belowTls13 },
  { id: "C5", title: "there is no renegotiation", clause: "RFC 8446 4.1.2", attempts: [], notHere: belowTls13 },
  {
    id: "C6",
    title: "no session is resumed: whoever comes again is judged again",
    clause: "CVE-2022-21654",
    attempts: [
      {
        tried: "the session of one connection in the next",
        run: resume,
        expected: { kind: "admitted", why: "as a new handshake: the callee gives no tickets", seen: isFresh },
      },
      {
        tried: "as the callee, giving tickets: the caller's next connection",
        run: resumeAsCaller,
        expected: { kind: "admitted", why: "as a new handshake: the caller keeps no sessions", seen: isFresh },
      },
    ],
  },
  {
    id: "C7",
    title: "a ticket of one listener is none for another",
    clause: "CVE-2022-21654",
    attempts: [],
    notHere: "a sidecar has one mTLS listener, which gives no tickets: C6",
  },
  {
    id: "C8",
    title: "no early data is taken",
    clause: "RFC 8446 8",
    attempts: [],
    notHere: "early data needs a ticket, and none is given: C6",
  },
  {
    id: "C9",
    title: "the protocol is HTTP/1.1, whatever ALPN says",
    clause: "Envoy, edge best practices",
    attempts: [
      speaking(
        "ALPN h2 and http/1.1",
        { ALPNProtocols: ["h2", "http/1.1"] },
        {
          ...harmless("as HTTP/1.1, which is agreed on"),
          seen: (seen) =>
            seen.kind === "http" && seen.session.alpn === "http/1.1" ? undefined : "HTTP/1.1 was not agreed on",
        },
      ),
      speaking("ALPN foo", { ALPNProtocols: ["foo"] }, harmless("as HTTP/1.1 and under the same policy")),
      speaking("no ALPN", { ALPNProtocols: [] }, harmless("as HTTP/1.1 and under the same policy")),
      speaking(
        "ALPN h2, speaking HTTP/1.1",
        { ALPNProtocols: ["h2"] },
        harmless("as HTTP/1.1 and under the same policy"),
      ),
      {
        tried: "the preface of HTTP/2",
        run: async (mesh) =>
          probe(inboundOf(mesh.callee), {
            shown: await rightful(mesh),
            ALPNProtocols: ["h2"],
            raw: Buffer.concat([
              Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
              Buffer.from("000000040000000000", "hex"),
            ]),
          }),
        expected: badRequest(/http1.codec error|http1 codec error/),
      },
    ],
    live: [strangersProtocol],
  },
  {
    id: "C10",
    title: "SNI chooses nothing",
    clause: "CVE-2024-45808",
    attempts: [
      speaking("none", { servername: "" }, harmless("there is one filter chain, with one policy")),
      speaking(
        "another service's name",
        { servername: "admin.example" },
        harmless("there is one filter chain, with one policy"),
      ),
      speaking(
        "255 bytes",
        { servername: `${"a".repeat(63)}.`.repeat(4).slice(0, 253) },
        harmless("there is one filter chain, with one policy"),
      ),
      speaking("..", { servername: "a..b" }, harmless("there is one filter chain, with one policy")),
    ],
  },
  {
    id: "C11",
    title: "a handshake that is not finished is ended",
    clause: "Envoy, edge best practices",
    attempts: [
      {
        tried: "half a ClientHello, then nothing",
        run: (mesh) => probePlain(inboundOf(mesh.callee), Buffer.from("160301020001", "hex"), 9000),
        expected: {
          kind: "refused",
          by: "inbound",
          counter: "inbound: downstream_cx_transport_socket_connect_timeout",
          // It never became a connection with a failure of its own: no line.
          reason: /^$/,
        },
      },
    ],
  },
  {
    id: "C12",
    title: "a ClientHello beyond all measure is refused",
    clause: "RFC 8446 5.1",
    attempts: [
      {
        tried: "records of 64 KiB",
        run: (mesh) => probePlain(inboundOf(mesh.callee), hugeHello()),
        expected: tlsError(/EXCESSIVE MESSAGE SIZE|RECORD|LENGTH|DECODE/),
      },
      { tried: "in records of one byte", run: fragmented, expected: tlsError(/./) },
    ],
  },
  {
    id: "C13",
    title: "a certificate message of a megabyte is refused",
    clause: "RFC 8446 4.4.2",
    attempts: [
      showing(
        "the rightful certificate and a thousand behind it",
        async (mesh) => {
          const leaf = await rightful(mesh);
          return {
            cert: [leaf.cert, ...Array.from({ length: 1500 }, () => mesh.unknown.certificate)].join("\n"),
            key: leaf.key,
          };
        },
        tlsError(/EXCESSIVE MESSAGE SIZE/),
      ),
    ],
  },
  {
    id: "C14",
    title: "a certificate with a huge extension costs nothing",
    clause: "CVE-2026-35189",
    attempts: [
      showing(
        "half a megabyte that nobody reads",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], ballast: 500_000 }),
        tlsError(/EXCESSIVE MESSAGE SIZE/),
      ),
    ],
  },
];

function harmless(why: string): Admitted<KeyedMesh> {
  return { kind: "admitted", why };
}

export function badRequest(reason: RegExp): Refused {
  return {
    kind: "refused",
    by: "inbound",
    counter: "inbound: http.downstream_cx_protocol_error",
    reason,
    status: [400],
  };
}

/** Connects, keeps what session it is given, and comes again with it. */
async function resume(mesh: PrivateMesh): Promise<Seen> {
  const { cert, key } = await rightful(mesh);
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const first = connect({
    ...inboundOf(mesh.callee),
    cert,
    key,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  let session: Buffer | undefined;
  first.on("session", (given) => (session = given));
  first.on("secureConnect", () => first.write(allowedRequest(mesh)));
  first.on("data", () => undefined);
  first.on("error", () => resolve(undefined));
  first.on("close", () => resolve(session));
  const given = await promise;
  mesh.app.take();
  return probe(inboundOf(mesh.callee), {
    shown: { cert, key },
    raw: allowedRequest(mesh),
    ...(given === undefined ? {} : { session: given }),
  });
}

function isFresh(seen: Seen): string | undefined {
  if (seen.kind !== "http" || seen.status !== 200) return `it is refused now: ${seen.kind}`;
  const { protocol, reused } = seen.session;
  return reused || protocol !== "TLSv1.3" ? `the session is ${protocol}, ${reused ? "resumed" : "new"}` : undefined;
}
