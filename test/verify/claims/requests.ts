// What rows D, E and F are made of: the rightful caller sends raw bytes to the callee's sidecar, and where these are refused
// or what the app gets of them, byte for byte.

import type { Admitted, Attempt, Look, Refused } from "../claim.ts";
import { rightful } from "../instance/control.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import type { ProbeOptions, Seen } from "../instance/probe.ts";

type Sending = Pick<ProbeOptions, "shown" | "deadlineMs" | "next" | "ALPNProtocols">;
type Bytes = (mesh: KeyedMesh) => string | Buffer;

/** One byte a character, as it was written here. */
export function sending(tried: string, raw: Bytes, expected: Attempt["expected"]): Attempt {
  const attempt = { tried, run: (mesh: KeyedMesh) => send(mesh, raw(mesh)) };
  // Where the app has to be heard somebody must stand in for it.
  if (expected.kind !== "refused" || expected.received !== undefined) return { ...attempt, expected };
  const { received: _, ...refused } = expected;
  return { ...attempt, expected, keyed: { ...attempt, expected: refused } };
}

export async function send(mesh: KeyedMesh, raw: string | Buffer, options: Sending = {}): Promise<Seen> {
  const bytes = typeof raw === "string" ? Buffer.from(raw, "latin1") : raw;
  const { cert, key } = await rightful(mesh);
  return mesh.network.probe(inboundOf(mesh.callee), { shown: { cert, key }, raw: bytes, ...options });
}

/** The app answers like this meanwhile. */
export function answering(attempt: Attempt, answer: string): Attempt {
  return {
    ...attempt,
    run: async (mesh) => {
      mesh.app.answerWith(answer);
      try {
        return await attempt.run(mesh);
      } finally {
        mesh.app.answerWith(undefined);
      }
    },
  };
}

/** The app takes it and says nothing. */
export function withoutAnswer(attempt: Attempt): Attempt {
  return answering(attempt, "");
}

export const path = ({ edge }: Pick<LiveMesh, "edge">): string => edge.path;

interface Wanted {
  readonly method?: string;
  /** The allowed path unless given. */
  readonly target?: string;
  readonly version?: string;
  /** Lines that end in CRLF; `host` of the callee unless given. */
  readonly host?: string;
  /** Likewise. */
  readonly headers?: string;
}

/** A request after which the connection ends; unlike Node's, it may be anything. */
export function requestTo({ edge }: Pick<LiveMesh, "edge">, wanted: Wanted = {}): string {
  const { method = "GET", target = edge.path, version = "HTTP/1.1", headers = "" } = wanted;
  const host = wanted.host ?? `host: ${edge.callee}\r\n`;
  return `${method} ${target} ${version}\r\n${host}${headers}connection: close\r\n\r\n`;
}

/** The allowed request with a body and its own framing; the connection stays open for what follows it. */
export function withBody({ edge }: Pick<LiveMesh, "edge">, headers: string, body: string): string {
  return `GET ${edge.path} HTTP/1.1\r\nhost: ${edge.callee}\r\n${headers}\r\n${body}`;
}

/** What an app that took a body for requests would answer to. */
export function smuggled({ edge }: Pick<LiveMesh, "edge">): string {
  return `GET /admin HTTP/1.1\r\nhost: ${edge.callee}\r\n\r\n`;
}

/** By the HTTP/1 codec, before any route or policy. */
export function protocolError(reason: RegExp, status = 400): Refused<LiveMesh> {
  return {
    kind: "refused",
    by: "inbound",
    counter: "inbound: http.downstream_cx_protocol_error",
    reason,
    status: [status],
  };
}

export const malformed = protocolError(/^http1.codec error$/);
export const invalidCharacters = protocolError(/^http1.invalid characters$/);

/** Before the policy, by what makes paths comparable. */
export const noSuchPath: Refused<LiveMesh> = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: http.downstream_rq_failed_path_normalization",
  reason: /^path normalization failed$/,
  status: [400],
};

export const noRoute: Refused<LiveMesh> = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: http.no_route",
  reason: /^route not found$/,
  status: [404],
};

export const noHost: Refused<LiveMesh> = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: http.downstream_rq_4xx",
  reason: /^missing host header$/,
  status: [400],
};

/** Not refused; the app gets exactly these bytes, beside what its sidecar itself says of the caller. */
export function madeInto(why: string, bytes: (mesh: PrivateMesh) => string, seen?: Look<Seen>): Admitted {
  return { kind: "admitted", why, received: exactly(bytes), ...(seen === undefined ? {} : { seen }) };
}

/** The allowed request and nothing else. */
export const canonical = (why: string, headers = ""): Admitted => madeInto(why, (mesh) => received(mesh, { headers }));

/** A request as the app gets it. */
export function received({ edge }: PrivateMesh, wanted: { readonly target?: string; readonly headers?: string } = {}) {
  const { target = edge.path, headers = "" } = wanted;
  return `GET ${target} HTTP/1.1\r\nhost: ${edge.callee}\r\n${headers}\r\n`;
}

export function exactly(bytes: (mesh: PrivateMesh) => string): Look<readonly string[]> {
  return (all, mesh) => {
    const rest = withoutSidecarsOwn(all.join(""), mesh);
    return rest === bytes(mesh) ? undefined : `the app received ${JSON.stringify(rest)}`;
  };
}

/** Refused half-way: the app got a part of this request, or nothing, and never its end. */
export function neverTheEndOf(bytes: (mesh: PrivateMesh) => string): Look<readonly string[]> {
  return (all, mesh) => {
    const rest = withoutSidecarsOwn(all.join(""), mesh);
    const whole = bytes(mesh);
    return rest !== whole && whole.startsWith(rest) ? undefined : `the app received ${JSON.stringify(rest)}`;
  };
}

/** Without the header lines that the callee's sidecar writes, where they say what they must. */
function withoutSidecarsOwn(text: string, { caller, callee }: PrivateMesh): string {
  const identity = RegExp.escape(`URI=${caller.spiffeId}`);
  const own = [
    String.raw`x-forwarded-client-cert: By=${RegExp.escape(callee.spiffeId)};Hash=[0-9a-f]{64};${identity}`,
    String.raw`x-forwarded-for: [\d.]+`,
    "x-forwarded-proto: https",
    String.raw`x-envoy-external-address: [\d.]+`,
    "x-request-id: [0-9a-f-]{36}",
  ];
  return text.replaceAll(new RegExp(`^(${own.join("|")})\r\n`, "gm"), "");
}

/** The statuses that came, one after the other. */
export function answers(...wanted: readonly number[]): Look<Seen> {
  return (seen) => {
    if (seen.kind !== "http") return `the attacker got no HTTP answer: ${seen.kind}`;
    const statuses = [...seen.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    return statuses.join(" ") === wanted.join(" ") ? undefined : `the attacker got ${statuses.join(" ")}`;
  };
}
