// F3, F4: who sends or reads slowly holds little, and not for ever.

import type { TLSSocket } from "node:tls";

import { fetchStats, sumOf } from "../../../scripts/observe/envoy-admin.ts";
import { until } from "../../../scripts/wait.ts";
import type { Attempt, Claim, Refused } from "../claim.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import type { Seen } from "../instance/probe.ts";
import { hurried } from "./hurried.ts";
import { exactly, neverTheEndOf, path, received, requestTo, send, withBody, withoutAnswer } from "./requests.ts";

function timedOut(counter: string, reason: RegExp, status: number): Refused {
  return { kind: "refused", by: "inbound", counter: `inbound: http.${counter}`, reason, status: [status] };
}

/** A byte every 100 ms for three seconds, or until the other side has enough. */
function drip(socket: TLSSocket): void {
  let bytes = 0;
  const timer = setInterval(() => {
    socket.write("b");
    bytes += 1;
    if (bytes === 30) clearInterval(timer);
  }, 100);
  socket.on("data", () => clearInterval(timer));
  socket.on("close", () => clearInterval(timer));
}

function slowly(tried: string, raw: (mesh: PrivateMesh) => string, expected: Refused): Attempt {
  return { tried, expected, run: (mesh) => send(mesh, raw(mesh), { deadlineMs: 2000, next: drip }) };
}

const body = "content-length: 1000\r\n";

/** As much as the two buffers of an exchange hold, and what one read may put on top of each (32 KiB, 16 KiB). */
const mostHeld = 2 * (32_768 + 16_384);

export const slowness: readonly Claim[] = [
  {
    id: "F3",
    title: "headers that do not end are given ten seconds",
    clause: "Envoy, edge best practices: request_headers_timeout",
    attempts: [
      hurried(
        "headers-timeout",
        slowly(
          "a header of a byte every 100 ms",
          ({ edge }) => `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\nx-a: `,
          timedOut("downstream_rq_header_timeout", /^request header timeout$/, 408),
        ),
        10,
      ),
    ],
  },
  {
    id: "F4",
    title: "a body that does not end, and an answer that is not read or does not come, hold little and not for ever",
    clause: "Envoy, edge best practices: request_timeout, stream_idle_timeout, per_connection_buffer_limit_bytes",
    attempts: [
      hurried(
        "request-timeout",
        withoutAnswer(
          slowly("a body of a byte every 100 ms", (mesh) => withBody(mesh, body, ""), {
            ...timedOut("downstream_rq_timeout", /^request overall timeout$/, 408),
            received: neverTheEndOf((mesh) => `${received(mesh, { headers: body })}${"b".repeat(1000)}`),
          }),
        ),
      ),
      hurried("stream-idle-timeout", {
        tried: "half a request, then nothing",
        run: (mesh) => send(mesh, `GET ${path(mesh)} HTTP/1.1\r\n`, { deadlineMs: 4000 }),
        expected: timedOut("downstream_rq_idle_timeout", /^stream idle timeout$/, 408),
      }),
      hurried(
        "route-idle-timeout",
        withoutAnswer({
          tried: "a request that the app does not answer",
          run: (mesh) => send(mesh, requestTo(mesh), { deadlineMs: 4000 }),
          expected: {
            ...timedOut("downstream_rq_idle_timeout", /^stream idle timeout$/, 504),
            received: exactly((mesh) => received(mesh)),
          },
        }),
      ),
      {
        tried: "sixteen megabytes that the caller does not read",
        run: unread,
        expected: {
          kind: "admitted",
          why: "the sidecar holds what its two buffers take, and lets the app wait with the rest",
          seen: (seen) => {
            if (seen.kind !== "told") return `the sidecar did not say what it holds: ${seen.kind}`;
            return Number(seen.text.split(" ")[0]) <= mostHeld ? undefined : `the sidecar holds ${seen.text}`;
          },
        },
      },
    ],
  },
];

/** Tells how many bytes the sidecar holds once it takes no more. */
async function unread(mesh: PrivateMesh): Promise<Seen> {
  const size = 16_000_000;
  mesh.app.answerWith(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${"a".repeat(size)}`);
  const { promise: connected, resolve } = Promise.withResolvers<TLSSocket>();
  const seen = send(mesh, withBody(mesh, "", ""), {
    next: (socket) => {
      socket.pause();
      resolve(socket);
    },
  });
  try {
    const socket = await connected;
    let before = -1;
    const held = await until(
      "the sidecar takes no more",
      async () => {
        const now = await heldBy(mesh);
        const still = now > 0 && now === before;
        before = now;
        return still ? now : undefined;
      },
      { deadlineMs: 3000, intervalMs: 100 },
    );
    socket.destroy();
    await seen;
    return { kind: "told", text: `${held} bytes` };
  } finally {
    mesh.app.answerWith(undefined);
  }
}

async function heldBy({ callee }: PrivateMesh): Promise<number> {
  const gauges = "^(http.inbound.downstream_cx_tx|cluster.*_app.upstream_cx_rx)_bytes_buffered$";
  return sumOf(await fetchStats(callee.adminSocket, gauges), /./);
}
