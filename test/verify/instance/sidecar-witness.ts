// What a sidecar itself says of a refusal: which of its counters grew, and the line that its access log got.

import type { Stats } from "../../../scripts/observe/envoy-admin.ts";

/**
 * Names are shortened: `listener.127.64.1.2_9443.ssl.fail_verify_san` is `inbound: ssl.fail_verify_san`,
 * `cluster.quotes_app.upstream_cx_protocol_error` is `app: upstream_cx_protocol_error`.
 */
export interface SidecarView {
  readonly counters: ReadonlyMap<string, number>;
  /** Where its log ends, as that counts. */
  readonly logEnd: number;
}

/** How a sidecar is asked, wherever it runs. */
export interface SidecarSource {
  /** By its admin interface: those whose name matches an RE2 expression. */
  readonly stats: (filter: string) => Promise<Stats>;
  readonly log: { readonly end: () => Promise<number>; readonly from: (end: number) => Promise<string> };
}

export interface SidecarWitness {
  readonly look: () => Promise<SidecarView>;
  /** Counters that grew since, by how much. */
  readonly grown: (since: SidecarView) => Promise<Map<string, number>>;
  /** What it counted of TLS handshakes since, in and out: `curves.X25519MLKEM768 1, handshake 1, versions.TLSv1.3 1`. */
  readonly handshakes: (since: SidecarView) => Promise<string>;
  /** Access log entries written since. */
  readonly entries: (since: SidecarView) => Promise<AccessLogEntry[]>;
}

export interface AccessLogEntry {
  readonly listener?: string;
  readonly peer?: string;
  readonly failure?: string;
  readonly details?: string;
  readonly flags?: string;
  readonly status?: number;
  readonly path?: string;
  readonly upstream_failure?: string;
}

/** How a connection's peers came to terms: the version, the key exchange, whether a session was resumed. */
const handshakes = String.raw`handshake|session_reused|versions\..*|curves\..*`;
const interesting = [
  String.raw`listener\.[0-9.]+_[0-9]+\.(ssl\.(fail_verify_.*|connection_error|no_certificate|${handshakes})|downstream_cx_.*overflow.*|no_filter_chain_match|downstream_cx_transport_socket_connect_timeout)`,
  String.raw`http\.(inbound|published)\.(rbac\..*|no_route|downstream_rq_.*|downstream_cx_(protocol_error|idle_timeout|max_duration_reached)|[a-z_.]*denied)`,
  String.raw`cluster\.[^.]+\.(ssl\.(fail_verify_.*|connection_error|${handshakes})|upstream_cx_(connect_fail|connect_timeout|protocol_error|overflow)|upstream_rq_(5xx|pending_overflow))`,
  String.raw`http1\..*`,
  String.raw`connection_limit\..*limited_connections`,
];
const filter = `^(${interesting.join("|")})$`;

export function sidecarWitness({ stats, log }: SidecarSource): SidecarWitness {
  const counters = async (): Promise<ReadonlyMap<string, number>> => numbersIn(await stats(filter));
  const grown: SidecarWitness["grown"] = async (since) => {
    const now = await counters();
    const changes = [...now].map(([name, value]) => [name, value - (since.counters.get(name) ?? 0)] as const);
    return new Map(changes.filter(([, by]) => by > 0));
  };
  return {
    look: async () => ({ counters: await counters(), logEnd: await log.end() }),
    grown,
    handshakes: async (since) => handshakesIn(await grown(since)),
    entries: async ({ logEnd }) => parseEntries(await log.from(logEnd)),
  };
}

function numbersIn(stats: Stats): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, value] of stats) {
    if (typeof value !== "number") continue;
    const short = name
      .replace(/^listener\.[\d.]+_\d+\./, "inbound: ")
      .replace(/^http\.(inbound|published)\./, "$1: http.")
      .replace(/^connection_limit\.([^.]+)\./, "$1: connection_limit.")
      .replace(/^cluster\.[^.]+_app\./, "app: ")
      .replace(/^cluster\.[^.]+\./, "callee: ");
    sums.set(short, (sums.get(short) ?? 0) + value);
  }
  return sums;
}

const ofHandshake = new RegExp(` ssl\\.(${handshakes})$`);

function handshakesIn(grown: ReadonlyMap<string, number>): string {
  const counted = [...grown].flatMap(([name, by]) => {
    const what = ofHandshake.exec(name)?.[1];
    return what === undefined ? [] : [`${what} ${by}`];
  });
  return counted.toSorted().join(", ");
}

function parseEntries(text: string): AccessLogEntry[] {
  return text.split("\n").flatMap((line) => {
    const start = line.indexOf('{"');
    if (start < 0 || !line.trimEnd().endsWith("}")) return [];
    const entry: AccessLogEntry = JSON.parse(line.slice(start));
    return [entry];
  });
}
