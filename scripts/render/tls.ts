// TLS contexts: the one place where a sidecar's identity, its peer's validation and the protocol are written.

import type { ValidationContext } from "../plan/plan.ts";
import { extension, type Fields } from "./types.ts";

/**
 * Where every secret comes from: the SPIRE Agent, over its socket. One object, so that it is printed once per file:
 * two differing sources for one secret name can open a listener without a certificate (envoyproxy/envoy#47309).
 *
 * The retry policy is on the SDS stream: without it a stream that ends is opened again after 0.5 to 30 s.
 */
export const spireAgentSds: Fields = {
  resource_api_version: "V3",
  // Never give up waiting: a listener opens, and a cluster is used, only with its secrets.
  initial_fetch_timeout: "0s",
  api_config_source: {
    api_type: "GRPC",
    transport_api_version: "V3",
    grpc_services: [
      {
        envoy_grpc: {
          cluster_name: "spire_agent",
          retry_policy: { retry_back_off: { base_interval: "0.02s", max_interval: "1s" } },
        },
      },
    ],
  },
};

export interface Tls {
  /** The workload's own SPIFFE ID: its SVID by name, never SPIRE's `default`. */
  readonly spiffeId: string;
  readonly validationContext: ValidationContext;
  /** Exactly these peers. */
  readonly peers: readonly string[];
}

export function downstreamTls(tls: Tls): Fields {
  return extension("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
    require_client_certificate: true,
    disable_stateless_session_resumption: true,
    common_tls_context: commonTlsContext(tls),
  });
}

export function upstreamTls(tls: Tls): Fields {
  return extension("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
    max_session_keys: 0,
    common_tls_context: commonTlsContext(tls),
  });
}

function commonTlsContext({ spiffeId, validationContext, peers }: Tls): Fields {
  return {
    tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
    alpn_protocols: ["http/1.1"],
    tls_certificate_sds_secret_configs: [{ name: spiffeId, sds_config: spireAgentSds }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: peers.map((peer) => ({ san_type: "URI", matcher: { exact: peer } })),
      },
      validation_context_sds_secret_config: { name: validationContext, sds_config: spireAgentSds },
    },
  };
}
