// F5–F9: floods that HTTP/2 makes cheap. It is not spoken, so that each ends at its first bytes.

import type { Claim } from "../claim.ts";
import { endHeaders, endStream, frame, literals, overHttp2 } from "./http2.ts";

const request = literals([
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "admin"],
]);
const open = endHeaders | endStream;
const cancel = Buffer.from([0, 0, 0, 8]);

function many(count: number, of: (stream: number) => readonly Buffer[]): Buffer[] {
  return Array.from({ length: count }, (_, at) => of(2 * at + 1)).flat();
}

export const http2Floods: readonly Claim[] = [
  {
    id: "F5",
    title: "streams that are opened and reset never exist",
    clause: "CVE-2023-44487",
    attempts: [
      overHttp2(
        "three hundred requests, each reset at once",
        many(300, (stream) => [
          frame("headers", { stream, flags: open, payload: request }),
          frame("reset", { stream, payload: cancel }),
        ]),
      ),
    ],
  },
  {
    id: "F6",
    title: "headers that never end are not begun",
    clause: "CVE-2024-27919, CVE-2024-30255",
    attempts: [
      overHttp2("three hundred CONTINUATION frames", [
        frame("headers", { stream: 1, payload: request }),
        ...many(300, () => [frame("continuation", { stream: 1, payload: literals([["x-a", "b".repeat(60)]]) })]),
      ]),
    ],
  },
  {
    id: "F7",
    title: "headers that unpack to megabytes are not unpacked",
    clause: "CVE-2026-47774",
    attempts: [
      overHttp2("one indexed header sixteen thousand times", [
        frame("headers", {
          stream: 1,
          flags: open,
          // :method GET of the static table (RFC 7541 6.1).
          payload: Buffer.concat([request, Buffer.alloc(16_000, 0x82)]),
        }),
      ]),
    ],
  },
  {
    id: "F8",
    title: "frames that cost nothing to send are not read",
    clause: "CVE-2019-9512, CVE-2019-9513, CVE-2019-9515, CVE-2019-9518",
    attempts: [
      overHttp2(
        "PING",
        many(1000, () => [frame("ping", { payload: Buffer.alloc(8) })]),
      ),
      overHttp2(
        "SETTINGS",
        many(1000, () => [frame("settings")]),
      ),
      overHttp2(
        "PRIORITY",
        many(1000, (stream) => [frame("priority", { stream, payload: Buffer.alloc(5) })]),
      ),
      overHttp2("empty DATA", [
        frame("headers", { stream: 1, flags: endHeaders, payload: request }),
        ...many(1000, () => [frame("data", { stream: 1 })]),
      ]),
    ],
  },
  {
    id: "F9",
    title: "streams beyond all measure are not opened",
    clause: "RFC 9113 5.1.2",
    attempts: [
      overHttp2(
        "five hundred at once",
        many(500, (stream) => [frame("headers", { stream, flags: open, payload: request })]),
      ),
    ],
  },
];
