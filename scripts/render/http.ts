// HTTP connection managers: the rules every listener shares, then what differs by direction.

import { extension, seconds, type Fields, type Value } from "./types.ts";

const managerType = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

export interface Manager {
  readonly statPrefix: string;
  readonly accessLog: string;
  /** XFCC and other fields that depend on the direction. */
  readonly fields: Fields;
  readonly virtualHost: Fields;
  readonly filters?: readonly Fields[];
  readonly maxConnectionSeconds?: number;
}

/**
 * An address that no packet comes from (RFC 1122 3.2.1.3). With an empty list Envoy takes loopback and every private
 * network for internal, and lets who comes from there have a request repeated (x-envoy-retry-on) or timed.
 */
function nobody(): Fields {
  return { cidr_ranges: [{ address_prefix: "255.255.255.255", prefix_len: 32 }] };
}

/** The network filter of a listener. Names of fields and their order follow Envoy's edge best practices. */
export function connectionManager(manager: Manager): Fields {
  const { statPrefix, accessLog, fields, virtualHost, filters = [], maxConnectionSeconds } = manager;
  return extension("envoy.filters.network.http_connection_manager", managerType, {
    stat_prefix: statPrefix,
    codec_type: "HTTP1",
    server_header_transformation: "PASS_THROUGH",
    ...fields,
    use_remote_address: true,
    internal_address_config: nobody(),
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: "REJECT_REQUEST",
    max_request_headers_kb: 32,
    request_headers_timeout: "10s",
    request_timeout: "60s",
    stream_idle_timeout: "60s",
    drain_timeout: "2s",
    common_http_protocol_options: {
      headers_with_underscores_action: "REJECT_REQUEST",
      max_headers_count: 100,
      idle_timeout: "60s",
      ...(maxConnectionSeconds === undefined
        ? {}
        : {
            max_connection_duration: seconds(maxConnectionSeconds),
            max_stream_duration: seconds(maxConnectionSeconds),
          }),
    },
    access_log: [refusalsAndErrors(accessLog)],
    route_config: { virtual_hosts: [virtualHost] },
    http_filters: [
      ...filters,
      extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {
        suppress_envoy_headers: true,
      }),
    ],
  });
}

/** Requests that went well cost no log line; a refusal or an error leaves one with its reason. */
function refusalsAndErrors(path: string): Fields {
  return {
    name: "envoy.access_loggers.file",
    filter: {
      or_filter: {
        filters: [
          {
            status_code_filter: {
              comparison: { op: "GE", value: { default_value: 400, runtime_key: "access_log.min_status" } },
            },
          },
          { response_flag_filter: {} },
        ],
      },
    },
    typed_config: fileAccessLog(path, {
      time: "%START_TIME%",
      listener: "%FILTER_CHAIN_NAME%",
      peer: "%DOWNSTREAM_PEER_URI_SAN%",
      upstream_peer: "%UPSTREAM_PEER_URI_SAN%",
      method: "%REQ(:METHOD)%",
      path: "%REQ(:PATH)%",
      status: "%RESPONSE_CODE%",
      details: "%RESPONSE_CODE_DETAILS%",
      flags: "%RESPONSE_FLAGS%",
      upstream_failure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
      milliseconds: "%DURATION%",
    }),
  };
}

/** One line per refused connection: who came, and why the handshake failed. */
export function connectionAccessLog(path: string): Fields {
  return {
    name: "envoy.access_loggers.file",
    // A failed handshake sets no response flag; only this attribute tells it.
    filter: {
      extension_filter: extension(
        "envoy.access_loggers.extension_filters.cel",
        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        { expression: "has(connection.transport_failure_reason)" },
      ),
    },
    typed_config: fileAccessLog(path, connectionFields),
  };
}

const connectionFields: Fields = {
  time: "%START_TIME%",
  listener: "%FILTER_CHAIN_NAME%",
  peer: "%DOWNSTREAM_PEER_URI_SAN%",
  tls: "%DOWNSTREAM_TLS_VERSION%",
  failure: "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
  flags: "%RESPONSE_FLAGS%",
};

function fileAccessLog(path: string, format: Record<string, Value>): Fields {
  return {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    path,
    log_format: { json_format: format },
  };
}
