// THE table of what protects a sidecar: where in its configuration, what becomes possible without it, the clause it
// rests on, and the rows of the attack matrix that guard it. yaml.ts prints it as comments; a unit test refuses a TLS,
// RBAC or limit field that no row covers.

export interface Protection {
  readonly id: string;
  /**
   * Dotted path of the field, array positions left out, the resource's name first; `*` is one step, `**` any number.
   * `bootstrap` stands first for the static file.
   */
  readonly where: string;
  /** What becomes possible when the field is removed. */
  readonly without: string;
  readonly clause: string;
  /** Rows of the attack matrix. */
  readonly guardedBy: readonly string[];
}

export const protections: readonly Protection[] = [
  {
    id: "client-certificate",
    where: "inbound.**.require_client_certificate",
    without: "TLS itself asks for no certificate: that a client without one is refused rests on the validator alone",
    clause: "X509-SVID.md 5",
    guardedBy: ["A2"],
  },
  {
    id: "own-svid-by-name",
    where: "**.tls_certificate_sds_secret_configs",
    without: "with SPIRE's `default` in its place, which identity is shown would be the agent's choice",
    clause: "SPIRE Agent, SDS: default_svid_name",
    guardedBy: ["G8", "G9"],
  },
  {
    id: "inbound-spiffe-id",
    where: "inbound.**.match_typed_subject_alt_names",
    without: "every workload of every federated trust domain completes the handshake, and only the policy is left",
    clause: "SPIFFE_Federation.md 7.3; SPIFFE-ID.md 2",
    guardedBy: ["A7", "A11", "B1", "B2", "B3", "B5", "B6"],
  },
  {
    id: "outbound-spiffe-id",
    where: "*.transport_socket.**.match_typed_subject_alt_names",
    without: "any workload of the callee's trust domain can answer in its place",
    clause: "SPIFFE-ID.md 2",
    guardedBy: ["A7", "A15", "B2", "B3", "B5", "B6", "C15", "C17"],
  },
  {
    id: "bundle-per-trust-domain",
    where: "inbound.**.validation_context_sds_secret_config",
    without: "a caller's certificate is not checked against the bundle of its own trust domain",
    clause: "SPIFFE_Federation.md 7.3",
    guardedBy: ["A8", "A9", "A10", "A13"],
  },
  {
    id: "callee-bundle",
    where: "*.transport_socket.**.validation_context_sds_secret_config",
    without: "whoever answers is not checked against the bundle of the callee's trust domain",
    clause: "SPIFFE_Federation.md 7.3",
    guardedBy: ["A8", "A9", "A10", "A11", "A12", "A13", "A15", "C15"],
  },
  {
    id: "one-bundle",
    where: "**.validation_context_sds_secret_config.name",
    without:
      "bundles that no peer needs are there too: by a second URI SAN a federated CA answers as the callee, and the policy alone keeps it from calling inside one trust domain",
    clause: "docs/decisions/0003",
    guardedBy: ["A9", "A11", "A12", "A15", "C15"],
  },
  {
    id: "whole-uri-san-list",
    where: "policy.typed_config.matcher",
    without: "a federated CA passes as somebody else with a second URI SAN, and a caller may use every route",
    clause: "X509-SVID.md 2: exactly one URI SAN",
    guardedBy: ["A12", "A14", "D1"],
  },
  {
    id: "no-way-up",
    where: "policy.**.not_matcher",
    without: "a rule for /entries/* admits /entries/%2e%2e;/admin, which servlet containers read as /admin",
    clause: "RFC 3986 3.3; CVE-2026-73511",
    guardedBy: ["D4"],
  },
  {
    id: "policy-filter",
    where: "inbound.**.http_filters.config_discovery",
    without: "policy.yaml is not asked",
    clause: "X509-SVID.md 2: exactly one URI SAN",
    guardedBy: ["A12", "A14", "D1"],
  },
  {
    id: "tls-1.3",
    where: "inbound.**.tls_params",
    without: "a caller can choose TLS 1.2, its renegotiation and its older suites",
    clause: "RFC 9325 3.1.1",
    guardedBy: ["A3", "C1", "C2"],
  },
  {
    id: "callee-tls-1.3",
    where: "*.transport_socket.**.tls_params",
    without: "TLS 1.2 is all that Envoy itself would offer; beside 1.3, whoever answers can choose it",
    clause: "RFC 9325 3.1.1",
    guardedBy: ["A3", "C2"],
  },
  {
    id: "no-stateless-resumption",
    where: "inbound.**.disable_stateless_session_resumption",
    without: "a ticket from before a revocation resumes a session that would be refused now",
    clause: "CVE-2022-21654",
    guardedBy: ["C6", "C7"],
  },
  {
    id: "no-client-sessions",
    where: "**.max_session_keys",
    without: "this sidecar offers old sessions in place of a full handshake",
    clause: "CVE-2022-21654",
    guardedBy: ["C6"],
  },
  {
    id: "one-protocol",
    where: "**.alpn_protocols",
    without: "the protocol is the peer's choice",
    clause: "Envoy, edge best practices",
    guardedBy: ["C9"],
  },
  {
    id: "http1-codec",
    where: "**.codec_type",
    without: "an HTTP/2 preface is accepted, with its own families of attacks",
    clause: "Envoy, edge best practices",
    guardedBy: ["C9", "E6", "E7", "F5", "F6"],
  },
  {
    id: "secrets-first",
    where: "**.initial_fetch_timeout",
    without: "after 15 s a listener opens although its secrets are missing, and resets everyone",
    clause: "Envoy, configuration/security/secret",
    guardedBy: ["F-06"],
  },
  {
    id: "caller-header",
    where: "inbound.**.forward_client_cert_details",
    without: "no caller's SPIFFE ID reaches the app (Envoy's default, SANITIZE); with FORWARD a caller writes its own",
    clause: "Envoy, x-forwarded-client-cert",
    guardedBy: ["D8", "D9"],
  },
  {
    id: "caller-header-content",
    where: "inbound.**.set_current_client_cert_details",
    without: "the header tells the caller's certificate by its hash only, and the app cannot tell who calls",
    clause: "Envoy, x-forwarded-client-cert",
    guardedBy: ["D8"],
  },
  {
    id: "no-caller-header",
    where: "*.filter_chains.**.forward_client_cert_details",
    without: "only Envoy's default keeps whoever opens the page from claiming a SPIFFE ID",
    clause: "Envoy, x-forwarded-client-cert",
    guardedBy: ["D8"],
  },
  {
    id: "published-names",
    where: "published.**.virtual_hosts.domains",
    without: "another site's name is pointed at this address, and that site's pages read what is published here",
    clause: "DNS rebinding",
    guardedBy: ["D12"],
  },
  {
    id: "callee-names",
    where: "inbound.**.virtual_hosts.domains",
    without: "a caller chooses a virtual host by its Host header",
    clause: "Envoy, edge best practices",
    guardedBy: ["D12"],
  },
  {
    id: "verified-identities",
    where: "*.**.response_headers_to_add",
    without: "the app takes the SPIFFE IDs of the hop from what the callee's app wrote",
    clause: "Envoy, access log operators: UPSTREAM_PEER_URI_SAN",
    guardedBy: ["D11"],
  },
  {
    id: "callee-host",
    where: "*.**.host_rewrite_literal",
    without: "the calling app chooses the Host that the callee's sidecar sees",
    clause: "Envoy, edge best practices",
    guardedBy: ["D12"],
  },
  {
    id: "no-envoy-headers",
    where: "**.suppress_envoy_headers",
    without: "the app is told how its sidecar works, and peers can steer it by x-envoy-* headers",
    clause: "Envoy, router filter",
    guardedBy: ["D10"],
  },
  {
    id: "peer-address",
    where: "**.use_remote_address",
    without: "x-forwarded-for is believed",
    clause: "Envoy, edge best practices",
    guardedBy: ["D10"],
  },
  {
    id: "nobody-internal",
    where: "**.internal_address_config",
    without:
      "only Envoy's default, since 1.33, keeps a private network's peers from setting x-envoy-* headers; with an empty list they may",
    clause: "CVE-2024-45806",
    guardedBy: ["D10"],
  },
  {
    id: "normalized-path",
    where: "**.normalize_path",
    without: "the policy and the app read different paths: /x/../admin",
    clause: "RFC 3986 6; Envoy, edge best practices",
    guardedBy: ["D2"],
  },
  {
    id: "merged-slashes",
    where: "**.merge_slashes",
    without: "the policy and the app read different paths: //admin",
    clause: "Envoy, edge best practices",
    guardedBy: ["D2"],
  },
  {
    id: "escaped-slashes",
    where: "**.path_with_escaped_slashes_action",
    without: "the policy and the app read different paths: /x%2f..%2fadmin",
    clause: "Envoy, edge best practices",
    guardedBy: ["D3"],
  },
  {
    id: "underscores",
    where: "**.headers_with_underscores_action",
    without: "x_forwarded_client_cert passes for the header that was checked",
    clause: "Envoy, edge best practices",
    guardedBy: ["D7"],
  },
  {
    id: "header-bytes",
    where: "**.max_request_headers_kb",
    without: "60 KiB of headers per request are held in memory",
    clause: "Envoy, edge best practices",
    guardedBy: ["F1"],
  },
  {
    id: "header-count",
    where: "**.max_headers_count",
    without: "only Envoy's default limits how many headers a request may have",
    clause: "Envoy, edge best practices",
    guardedBy: ["F1"],
  },
  {
    id: "handshake-timeout",
    where: "**.transport_socket_connect_timeout",
    without: "a handshake that never ends holds a connection for ever",
    clause: "Envoy, edge best practices",
    guardedBy: ["C11"],
  },
  {
    id: "headers-timeout",
    where: "**.request_headers_timeout",
    without: "headers sent a byte a minute hold a connection",
    clause: "Envoy, edge best practices",
    guardedBy: ["F3"],
  },
  {
    id: "request-timeout",
    where: "**.request_timeout",
    without: "a body sent a byte a minute holds a connection",
    clause: "Envoy, edge best practices",
    guardedBy: ["F4"],
  },
  {
    id: "stream-idle-timeout",
    where: "**.stream_idle_timeout",
    without: "an exchange on which nothing moves is held for five minutes",
    clause: "Envoy, edge best practices",
    guardedBy: ["F4"],
  },
  {
    id: "route-idle-timeout",
    where: "**.route.idle_timeout",
    without: "a callee that stops answering holds the caller as long as the listener allows",
    clause: "Envoy, edge best practices",
    guardedBy: ["F4"],
  },
  {
    id: "route-timeout",
    where: "**.route.timeout",
    without: "Envoy's own 15 s end every longer exchange, streams among them",
    clause: "Envoy, edge best practices",
    guardedBy: ["F4"],
  },
  {
    id: "connection-idle-timeout",
    where: "**.common_http_protocol_options.idle_timeout",
    without: "idle connections are held for an hour",
    clause: "Envoy, edge best practices",
    guardedBy: ["F10"],
  },
  {
    id: "connection-age",
    where: "**.max_connection_duration",
    without: "a connection outlives the SVID, the bundle and the relationship it was made with",
    clause: "envoyproxy/envoy#17999: rotation does not drain",
    guardedBy: ["R1"],
  },
  {
    id: "exchange-age",
    where: "**.max_stream_duration",
    without: "one long exchange keeps a connection past its age",
    clause: "Envoy drains at max_connection_duration and lets an exchange end by itself",
    guardedBy: ["R2"],
  },
  {
    id: "listener-connections",
    where: "*.filter_chains.filters.typed_config.max_connections",
    without: "whoever opens connections here takes those of every other listener too",
    clause: "Envoy, connection limit filter",
    guardedBy: ["F10"],
  },
  {
    id: "own-calls",
    where: "*.ignore_global_conn_limit",
    without: "strangers who open connections elsewhere stop the app's own calls",
    clause: "Envoy, overload manager",
    guardedBy: ["F10"],
  },
  {
    id: "connection-buffers",
    where: "**.per_connection_buffer_limit_bytes",
    without: "a slow reader makes the sidecar hold a mebibyte for each connection",
    clause: "Envoy, edge best practices",
    guardedBy: ["F4"],
  },
  {
    id: "circuit-breakers",
    where: "**.circuit_breakers",
    without: "one stuck upstream holds up to 1024 connections and as many waiting requests",
    clause: "Envoy, circuit breaking",
    guardedBy: ["F10"],
  },
  {
    id: "connect-timeout",
    where: "**.connect_timeout",
    without: "a peer that is not there is waited for 5 s, longer than its callers wait",
    clause: "Envoy, edge best practices",
    guardedBy: ["C16"],
  },
  {
    id: "outbound-socket",
    where: "*.address.pipe.mode",
    without: "only the folder keeps other processes from calling in the name of this app",
    clause: "docs/decisions/0006",
    guardedBy: ["G1"],
  },
  {
    id: "admin-socket-mode",
    where: "bootstrap.admin.address.pipe.mode",
    without: "an app that links its own socket to this one has its sidecar publish the admin interface",
    clause: "CWE-59; docs/decisions/0006",
    guardedBy: ["G3", "G5"],
  },
  {
    id: "admin-socket",
    where: "bootstrap.admin.address",
    without:
      "the admin interface is not there; on a TCP port every local user could stop this sidecar or read its state",
    clause: "Envoy, edge best practices; CVE-2026-73546",
    guardedBy: ["G3", "G5"],
  },
  {
    id: "heap-limit",
    where: "bootstrap.overload_manager.resource_monitors",
    without: "the kernel ends the process before it sheds load",
    clause: "Envoy, edge best practices",
    guardedBy: ["F10"],
  },
  {
    id: "load-shedding",
    where: "bootstrap.overload_manager.actions",
    without: "the heap limit is measured and nothing follows",
    clause: "Envoy, edge best practices",
    guardedBy: ["F10"],
  },
];

const patterns = new Map(protections.map(({ id, where }) => [id, patternOf(where)]));

/** Whether a field's path, e.g. `["inbound", "filter_chains", "filters"]`, is the one a protection names. */
export function covers({ where }: Pick<Protection, "where">, path: readonly string[]): boolean {
  return patternOf(where).test(lineOf(path));
}

/** The row for a field: the first that names it. */
export function protectionOf(path: readonly string[]): Protection | undefined {
  const line = lineOf(path);
  return protections.find(({ id }) => patterns.get(id)?.test(line));
}

/** `*` is one step, whatever it is called; `**` any number of them. */
function patternOf(where: string): RegExp {
  const steps = where.split(".").map((step) => {
    if (step === "**") return String.raw`(?:\n.*)*`;
    return step === "*" ? String.raw`\n.*` : String.raw`\n${RegExp.escape(step)}`;
  });
  return new RegExp(`^${steps.join("")}$`);
}

function lineOf(path: readonly string[]): string {
  return path.map((step) => `\n${step}`).join("");
}
