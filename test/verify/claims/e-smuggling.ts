// E6–E8: requests hidden in HTTP/2, in an upgrade, and in what is sent before it was asked for.

import type { Claim, Refused } from "../claim.ts";
import { policy } from "./certificates.ts";
import { overHttp2Request } from "./http2.ts";
import { answers, madeInto, received, requestTo, sending, smuggled, withBody } from "./requests.ts";

const upgrade: Refused = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: http.downstream_rq_ws_on_non_ws_route",
  reason: /^upgrade failed$/,
  status: [403],
};

const websocket =
  "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
const h2c = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";

export const smuggling: readonly Claim[] = [
  {
    id: "E6",
    title: "no line break comes in by HTTP/2, which is not spoken",
    clause: "CVE-2023-27491; RFC 9113 8.2.1",
    attempts: [
      overHttp2Request("CRLF in a value", [["x-a", "b\r\ntransfer-encoding: chunked"]]),
      overHttp2Request("CRLF in :path", [[":path", "/ HTTP/1.1\r\nhost: admin\r\n\r\n"]]),
      overHttp2Request("transfer-encoding", [["transfer-encoding", "chunked"]], "0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"),
      overHttp2Request("connection", [["connection", "x-forwarded-client-cert"]]),
      overHttp2Request(
        "a content-length that is not that of the body",
        [["content-length", "0"]],
        "GET /admin HTTP/1.1\r\n\r\n",
      ),
    ],
  },
  {
    id: "E7",
    title: "no malformed request comes in by HTTP/2, which is not spoken",
    clause: "RFC 9113 8.2, 8.3",
    attempts: [
      overHttp2Request("a pseudo-header twice", [[":method", "POST"]]),
      overHttp2Request("one that nobody knows", [[":admin", "1"]]),
      overHttp2Request("one behind other headers", [
        ["x-a", "b"],
        [":path", "/"],
      ]),
      overHttp2Request("a name in capitals", [["X-A", "b"]]),
      overHttp2Request("an empty :path", [[":path", ""]]),
      overHttp2Request("a space in :path", [[":path", "/a b"]]),
    ],
  },
  {
    id: "E8",
    title: "nothing passes behind an upgrade, an expectation or a tunnel",
    clause: "CVE-2026-73548, CVE-2025-64763; RFC 9110 7.8, 10.1.1",
    attempts: [
      sending("upgrade: websocket", (mesh) => withBody(mesh, websocket, smuggled(mesh)), upgrade),
      sending(
        "upgrade: TLS/1.2",
        (mesh) => withBody(mesh, "connection: upgrade\r\nupgrade: TLS/1.2\r\n", smuggled(mesh)),
        upgrade,
      ),
      sending(
        "CONNECT",
        (mesh) => `${requestTo(mesh, { method: "CONNECT", target: "admin:443" })}${smuggled(mesh)}`,
        policy,
      ),
      sending(
        "upgrade: h2c",
        (mesh) => withBody(mesh, h2c, requestTo(mesh, { target: "/admin" })),
        madeInto(
          "it is not taken up, and the app does not see it; what is behind it is a request of its own, which the policy refuses",
          (mesh) => received(mesh),
          answers(200, 403),
        ),
      ),
      sending(
        "expect: 100-continue, and the body at once",
        (mesh) => withBody(mesh, "expect: 100-continue\r\ncontent-length: 40\r\n", `${body}${requestTo(mesh)}`),
        madeInto(
          "the sidecar answers the expectation itself: the app gets a request with a body",
          (mesh) => `${received(mesh, { headers: "content-length: 40\r\n" })}${body}${received(mesh)}`,
          answers(100, 200, 200),
        ),
      ),
    ],
  },
];

/** 40 bytes. */
const body = "GET /admin HTTP/1.1\r\nhost: a.example\r\n\r\n";
