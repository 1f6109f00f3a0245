// E9, E10: bodies where none belongs, and an app whose answers are no HTTP. Every answer belongs to its own request, and what
// is no answer goes no further than the callee's own sidecar.

import type { Attempt, Claim, Look, Refused } from "../claim.ts";
import type { Seen } from "../instance/probe.ts";
import { policy } from "./certificates.ts";
import { answering, answers, exactly, madeInto, received, requestTo, sending, smuggled, withBody } from "./requests.ts";

const ok = "content-length: 3\r\n\r\nok\n";
const forged = "HTTP/1.1 200 FORGED\r\ncontent-length: 0\r\n\r\n";

/** Two requests on one connection; the app answers each like this. */
function twice(tried: string, answer: string, statuses: readonly number[]): Attempt {
  return answering(
    sending(tried, (mesh) => withBody(mesh, "", requestTo(mesh)), {
      ...madeInto(
        "each request gets one answer; what the app wrote beside it goes no further, and its connection is not used again",
        (mesh) => received(mesh).repeat(2),
      ),
      seen: (seen, mesh) => answers(...statuses)(seen, mesh) ?? nothingForged(seen),
    }),
    answer,
  );
}

function nothingForged(seen: Seen): string | undefined {
  return seen.kind === "http" && seen.text.includes("FORGED") ? "the attacker got the forged answer" : undefined;
}

const noAnswer: Refused = {
  kind: "refused",
  by: "inbound",
  counter: "app: upstream_cx_protocol_error",
  reason: /^upstream reset before response started\{protocol error\}$/,
  status: [502],
  received: exactly((mesh) => received(mesh)),
};

/** The app answers with this head; the caller must get none of it. */
function head(tried: string, lines: string, status = "HTTP/1.1 200 OK"): Attempt {
  return answering(
    sending(tried, (mesh) => requestTo(mesh), noAnswer),
    `${status}\r\n${lines}${ok}`,
  );
}

/** The same, where the sidecar writes it anew. */
function rewritten(tried: string, lines: string, why: string, seen: Look<Seen>): Attempt {
  const expected = { ...madeInto(why, (mesh) => received(mesh)), seen };
  return answering(
    sending(tried, (mesh) => requestTo(mesh), expected),
    `HTTP/1.1 200 OK\r\n${lines}${ok}`,
  );
}

function without(line: RegExp): Look<Seen> {
  return (seen) => {
    if (seen.kind !== "http" || seen.status !== 200) return `it is refused now: ${seen.kind}`;
    return line.test(seen.text) ? `the attacker got ${JSON.stringify(seen.text)}` : undefined;
  };
}

export const hostileApp: readonly Claim[] = [
  {
    id: "E9",
    title: "a body where none belongs is no request and no answer",
    clause: "RFC 9112 6.3; CVE-2024-53271",
    attempts: [
      sending(
        "GET with a body that is a request",
        (mesh) => withBody(mesh, `content-length: ${smuggled(mesh).length}\r\n`, `${smuggled(mesh)}${requestTo(mesh)}`),
        madeInto(
          "a body for the sidecar and the app alike",
          (mesh) =>
            `${received(mesh, { headers: `content-length: ${smuggled(mesh).length}\r\n` })}${smuggled(mesh)}${received(mesh)}`,
          answers(200, 200),
        ),
      ),
      sending(
        "behind a request that is refused",
        (mesh) => `${requestTo(mesh, { method: "POST", headers: "content-length: 0\r\n" })}${smuggled(mesh)}`,
        policy,
      ),
      twice("204 with a body", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", [502, 502]),
      twice("204, and an answer behind it", `HTTP/1.1 204 No Content\r\n\r\n${forged}`, [204, 204]),
      twice("304, and an answer behind it", `HTTP/1.1 304 Not Modified\r\n\r\n${forged}`, [304, 304]),
      twice("200, and an answer behind it", `HTTP/1.1 200 OK\r\n${ok}${forged}`, [200, 200]),
      twice(
        "a thousand times 100",
        `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)}HTTP/1.1 200 OK\r\n${ok}`,
        [200, 200],
      ),
      twice("a thousand times 103", `${"HTTP/1.1 103 Early\r\n\r\n".repeat(1000)}HTTP/1.1 200 OK\r\n${ok}`, [200, 200]),
      answering(
        sending("101 that nobody asked for, and bytes behind it", (mesh) => requestTo(mesh), {
          ...madeInto("it is an answer like others, and the connection ends with it", (mesh) => received(mesh)),
          seen: (seen, mesh) => answers(101)(seen, mesh) ?? nothingForged(seen),
        }),
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nFORGED",
      ),
    ],
  },
  {
    id: "E10",
    title: "an answer that can be read in two ways goes no further, or is written anew",
    clause: "RFC 9112 4, 5, 6.3",
    attempts: [
      head("NUL in a header", "x-a: b\0\r\n"),
      head("a space before the colon", "x-a : b\r\n"),
      head("a length and chunks", "transfer-encoding: chunked\r\n"),
      head("two lengths", "content-length: 0\r\n"),
      head("a transfer coding that nobody knows", "transfer-encoding: xchunked\r\n"),
      head("a hundred and fifty headers", Array.from({ length: 150 }, (_, at) => `x-${at}: b\r\n`).join("")),
      head("another protocol", "", "SSH-2.0-OpenSSH_9"),
      rewritten(
        "a carriage return in a header",
        "x-a: b\rset-cookie: admin\r\n",
        "it is taken out: no second header",
        without(/\r(?!\n)|^set-cookie/im),
      ),
      rewritten(
        "a folded header",
        "x-a: b\r\n set-cookie: admin\r\n",
        "it becomes one line",
        without(/^\s*set-cookie/im),
      ),
    ],
  },
];
