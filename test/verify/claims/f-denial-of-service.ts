// F1, F2, F13: requests that are too large. F3–F9 are in f-slowness.ts and f-http2.ts, F10–F12 in f-connections.ts.

import type { Claim } from "../claim.ts";
import { madeInto, protocolError, received, requestTo, send, sending, withBody, withoutAnswer } from "./requests.ts";

const tooLarge = protocolError(/^http1.headers too large$/, 431);
const tooMany = protocolError(/^http1.too many headers$/, 431);

function lines(count: number, length: number): string {
  return Array.from({ length: count }, (_, at) => `x-${at}: ${"a".repeat(length)}\r\n`).join("");
}

const bodyBytes = 262_144;
const bodyLength = `content-length: ${bodyBytes}\r\n`;

export const denialOfService: readonly Claim[] = [
  {
    id: "F1",
    title: "more than 32 KiB of headers, or more than a hundred, are refused",
    clause: "RFC 6585 5; Envoy, edge best practices",
    attempts: [
      sending("five headers of 33 KiB together", (mesh) => requestTo(mesh, { headers: lines(5, 6800) }), tooLarge),
      sending("one of 40 KiB", (mesh) => requestTo(mesh, { headers: lines(1, 40_000) }), tooLarge),
      sending("a path of 40 KiB", (mesh) => requestTo(mesh, { target: `/${"a".repeat(40_000)}` }), tooLarge),
      sending("a hundred and one small ones", (mesh) => requestTo(mesh, { headers: lines(101, 1) }), tooMany),
    ],
  },
  {
    id: "F2",
    title: "a large body passes through, and is kept nowhere",
    clause: "RFC 9110 15.5.14; Envoy, edge best practices",
    attempts: [
      withoutAnswer({
        tried: "256 KiB",
        run: (mesh) => send(mesh, withBody(mesh, bodyLength, "a".repeat(bodyBytes)), { deadlineMs: 300 }),
        expected: madeInto(
          "the sidecar's buffers are 32 KiB, whatever the body's size (F4); how much an app takes is the app's to say",
          (mesh) => `${received(mesh, { headers: bodyLength })}${"a".repeat(bodyBytes)}`,
          (seen) => (seen.kind === "timeout" ? undefined : `it is refused now: ${seen.kind}`),
        ),
      }),
    ],
  },
  {
    id: "F13",
    title: "no body is parsed by the sidecar",
    clause: "CVE-2026-26309, CVE-2026-48042",
    attempts: [],
    notHere:
      "no filter here reads a body or parses JSON: behind the policy stands the router, and logs are only written",
  },
];
