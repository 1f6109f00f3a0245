// D8–D11: an admitted caller writes the headers by which an app or a sidecar could take it for another.

import type { Attempt, Claim, Look } from "../claim.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import type { Seen } from "../instance/probe.ts";
import { callingOut, openingPage } from "./callers-doors.ts";
import {
  answering,
  answers,
  canonical,
  noHost,
  protocolError,
  requestTo,
  send,
  sending,
  withoutAnswer,
} from "./requests.ts";

const forged = "By=spiffe://evil.example/x;Hash=00;URI=spiffe://evil.example/admin";
const ownOnly = canonical(
  "the app gets the header, written by its own sidecar alone, from the certificate that was verified",
);

function withHeaders(tried: string, headers: string, expected: Attempt["expected"]): Attempt {
  return sending(tried, (mesh) => requestTo(mesh, { headers }), expected);
}

/** A header that only the sidecars may write is not there, or once and as they write it. */
function without(header: RegExp): Look<Seen> {
  return (seen) => {
    if (seen.kind !== "http" || seen.status !== 200) return `it is refused now: ${seen.kind}`;
    const found = header.exec(seen.text)?.[0];
    return found === undefined ? undefined : `there is ${found}`;
  };
}

function told(name: string, value: (mesh: PrivateMesh) => string): Look<Seen> {
  return (seen, mesh) => {
    const text = seen.kind === "http" ? seen.text : "";
    const values = [...text.matchAll(new RegExp(`^${name}: (.*)\r$`, "gim"))].map(([, found]) => found);
    return values.length === 1 && values[0] === value(mesh)
      ? undefined
      : `${name} says ${values.join(", ") || "nothing"}`;
  };
}

/** Headers that have the next Envoy repeat a request, time it, or tell another story of it. */
const steering = [
  "x-envoy-original-path: /admin",
  "x-envoy-original-host: admin",
  "x-envoy-internal: true",
  "x-envoy-external-address: 10.0.0.1",
  "x-envoy-downstream-service-cluster: admin",
  "x-envoy-force-trace: 1",
  "x-envoy-decorator-operation: x",
  "x-envoy-ip-tags: x",
  "x-envoy-expected-rq-timeout-ms: 1",
  "x-envoy-upstream-alt-stat-name: x",
  "x-envoy-hedge-on-per-try-timeout: true",
  "x-envoy-retriable-status-codes: 200",
].map((line) => `${line}\r\n`);

const inert = ["x-envoy-peer-metadata: x", "x-envoy-attempt-count: 9"].map((line) => `${line}\r\n`);
const timeouts = "x-envoy-upstream-rq-timeout-ms: 20\r\nx-envoy-upstream-rq-per-try-timeout-ms: 20\r\n";
const unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

export const headers: readonly Claim[] = [
  {
    id: "D8",
    title: "no caller writes x-forwarded-client-cert",
    clause: "Envoy, x-forwarded-client-cert",
    attempts: [
      withHeaders("one of its own", `x-forwarded-client-cert: ${forged}\r\n`, ownOnly),
      withHeaders(
        "two, and in capitals",
        `X-FORWARDED-CLIENT-CERT: ${forged}\r\nx-forwarded-client-cert: ${forged}\r\n`,
        ownOnly,
      ),
      callingOut(
        "by the caller's own app",
        (mesh) => requestTo(mesh, { headers: `x-forwarded-client-cert: ${forged}\r\n` }),
        ownOnly,
      ),
      openingPage(
        "at the caller's page",
        `GET / HTTP/1.1\r\nhost: localhost\r\nx-forwarded-client-cert: ${forged}\r\nconnection: close\r\n\r\n`,
        {
          kind: "admitted",
          why: "a page has callers without an identity: its app gets no such header at all",
          seen: without(/^x-forwarded-client-cert: .*/im),
        },
      ),
    ],
  },
  {
    id: "D9",
    title: "nor has it taken away as a hop-by-hop header",
    clause: "RFC 9110 7.6.1",
    attempts: [
      sending(
        "connection: x-forwarded-client-cert",
        ({ edge }) =>
          `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\nx-forwarded-client-cert: ${forged}\r\nconnection: x-forwarded-client-cert, close\r\n\r\n`,
        ownOnly,
      ),
      sending(
        "connection: host",
        ({ edge }) => `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\nconnection: host, close\r\n\r\n`,
        noHost,
      ),
      sending(
        "connection: x-forwarded-for",
        ({ edge }) => `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\nconnection: x-forwarded-for, close\r\n\r\n`,
        protocolError(/^http1.connection header rejected$/),
      ),
    ],
  },
  {
    id: "D10",
    title: "no caller steers the sidecar or hides its address",
    clause: "CVE-2023-27487, CVE-2024-45806",
    attempts: [
      withHeaders(
        "x-envoy-original-path and eleven others",
        [...steering, ...inert].join(""),
        canonical("the sidecar removes what steers it; two of them mean nothing to it, as others may", inert.join("")),
      ),
      answering(
        withHeaders("a request that fails, to be repeated", "x-envoy-retry-on: 5xx\r\nx-envoy-max-retries: 20\r\n", {
          ...canonical("the app gets the request once"),
          seen: answers(503),
        }),
        unavailable,
      ),
      withoutAnswer({
        tried: "a request that is not answered, to be given up after a moment",
        run: (mesh) => send(mesh, requestTo(mesh, { headers: timeouts }), { deadlineMs: 250 }),
        expected: {
          ...canonical("the sidecar waits as long as its own rules say"),
          seen: (seen) => (seen.kind === "timeout" ? undefined : `the attacker got an answer: ${seen.kind}`),
        },
      }),
      withHeaders("x-forwarded-for", "x-forwarded-for: 10.0.0.1\r\nx-forwarded-proto: gopher\r\n", {
        kind: "admitted",
        why: "the peer's own address is appended, and the address that counts is the peer's",
        received: ([text = ""]) =>
          /^x-forwarded-for: 10\.0\.0\.1,[\d.]+\r$/m.test(text) &&
          /^x-envoy-external-address: (?!10\.0\.0\.1\r)[\d.]+\r$/m.test(text) &&
          /^x-forwarded-proto: https\r$/m.test(text)
            ? undefined
            : `the app received ${JSON.stringify(text)}`,
      }),
      withHeaders("no such header", "", {
        ...canonical("the answer tells nothing of the sidecar"),
        seen: without(/^(x-envoy-|server: ).*/im),
      }),
    ],
  },
  {
    id: "D11",
    title: "who calls and who answers is told by the sidecars alone",
    clause: "Envoy, x-forwarded-client-cert; access log operators",
    attempts: [
      withHeaders(
        "x-user, x-spiffe-id, x-caller-spiffe-id",
        "x-user: admin\r\nx-spiffe-id: spiffe://evil.example/x\r\nx-caller-spiffe-id: spiffe://evil.example/x\r\n",
        canonical(
          "a sidecar hands on what it does not know: an app reads x-forwarded-client-cert, and nothing else, for who calls",
          "x-user: admin\r\nx-spiffe-id: spiffe://evil.example/x\r\nx-caller-spiffe-id: spiffe://evil.example/x\r\n",
        ),
      ),
      ...(["x-callee-spiffe-id", "x-caller-spiffe-id"] as const).map((name) =>
        answering(
          callingOut(`${name} in the answer of the callee's app`, (mesh) => requestTo(mesh), {
            ...canonical("the caller's sidecar overwrites it with what the handshake proved"),
            seen: told(name, ({ caller, callee }) => (name === "x-callee-spiffe-id" ? callee : caller).spiffeId),
          }),
          `HTTP/1.1 200 OK\r\n${name}: spiffe://evil.example/x\r\n${name.toUpperCase()}: spiffe://evil.example/y\r\ncontent-length: 3\r\n\r\nok\n`,
        ),
      ),
    ],
  },
];
