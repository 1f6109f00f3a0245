// listeners.yaml (LDS): inbound mTLS, one outbound Unix socket per callee, the published page.

import type { HostPort } from "../model/mesh.ts";
import type { Outbound, SidecarPlan } from "../plan/plan.ts";
import { policyName, rbacType } from "./policy.ts";
import { connectionAccessLog, connectionManager } from "./http.ts";
import { downstreamTls } from "./tls.ts";
import { address, extension, milliseconds, typed, type Fields } from "./types.ts";

const listenerType = "envoy.config.listener.v3.Listener";
/** Half of the sidecar's own limit, so that a flood on one listener leaves the others alone (bootstrap.ts). */
const mostConnections = { inbound: 500, published: 250 } as const;
const bufferBytes = 32_768;
/** Group of the socket's folder: the app's. */
const socketMode = 0o660;

export function listeners(sidecar: SidecarPlan): Fields[] {
  return [
    ...(sidecar.inbound === undefined ? [] : [inbound(sidecar, sidecar.inbound)]),
    ...sidecar.outbound.map((callee) => outbound(sidecar, callee)),
    ...(sidecar.published === undefined ? [] : [published(sidecar, sidecar.published)]),
  ];
}

/** Callers' requests: mTLS, exactly the callers of mesh.yaml, then the policy, then the app. */
function inbound(sidecar: SidecarPlan, { address: at, validationContext, callers }: Inbound): Fields {
  const peers = callers.map(({ spiffeId }) => spiffeId);
  return typed(listenerType, {
    name: "inbound",
    address: address(at),
    per_connection_buffer_limit_bytes: bufferBytes,
    access_log: [connectionAccessLog(sidecar.accessLog)],
    filter_chains: [
      {
        name: "inbound",
        transport_socket_connect_timeout: "5s",
        transport_socket: downstreamTls({ spiffeId: sidecar.spiffeId, validationContext, peers }),
        filters: [
          connectionLimit("inbound"),
          connectionManager({
            statPrefix: "inbound",
            accessLog: sidecar.accessLog,
            maxConnectionSeconds: sidecar.maxConnectionSeconds.inbound,
            fields: {
              forward_client_cert_details: "SANITIZE_SET",
              set_current_client_cert_details: { uri: true },
            },
            filters: [
              {
                name: policyName,
                config_discovery: {
                  config_source: fileSource(sidecar, "policy.yaml"),
                  type_urls: [`type.googleapis.com/${rbacType}`],
                },
              },
            ],
            virtualHost: toApp(sidecar, [sidecar.workload]),
          }),
        ],
      },
    ],
  });
}

/** Counts from the first packet on, so also connections that never say who they are. */
function connectionLimit(listener: keyof typeof mostConnections): Fields {
  return extension(
    "envoy.filters.network.connection_limit",
    "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
    { stat_prefix: listener, max_connections: mostConnections[listener] },
  );
}

type Inbound = NonNullable<SidecarPlan["inbound"]>;

/** The app's own calls: plain HTTP on a Unix socket that only this app can open, mTLS from here on. */
function outbound(sidecar: SidecarPlan, { callee, socket, timeoutMs }: Outbound): Fields {
  const name = `outbound_${callee}`;
  return typed(listenerType, {
    name,
    address: { pipe: { path: socket, mode: socketMode } },
    ignore_global_conn_limit: true,
    per_connection_buffer_limit_bytes: bufferBytes,
    filter_chains: [
      {
        name,
        filters: [
          connectionManager({
            statPrefix: name,
            accessLog: sidecar.accessLog,
            fields: { forward_client_cert_details: "SANITIZE" },
            virtualHost: {
              name: callee,
              // The socket alone chooses the callee: whatever Host the app wrote is replaced.
              domains: ["*"],
              routes: [
                {
                  match: { prefix: "/" },
                  route: {
                    cluster: callee,
                    host_rewrite_literal: callee,
                    timeout: milliseconds(timeoutMs),
                    idle_timeout: "15s",
                    // Safe for every method: nothing of the request had been sent.
                    retry_policy: { retry_on: "connect-failure,refused-stream,reset-before-request", num_retries: 2 },
                  },
                },
              ],
              response_headers_to_add: [
                verified("x-caller-spiffe-id", "%UPSTREAM_LOCAL_URI_SAN%"),
                verified("x-callee-spiffe-id", "%UPSTREAM_PEER_URI_SAN%"),
              ],
            },
          }),
        ],
      },
    ],
  });
}

/** A fact of the TLS session, in place of whatever the callee may have written under that name. */
function verified(key: string, value: string): Fields {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

/** Plain HTTP for people: no identity comes in here, and none is handed on. */
function published(sidecar: SidecarPlan, at: NonNullable<SidecarPlan["published"]>): Fields {
  return typed(listenerType, {
    name: "published",
    address: address(at.listen ?? at),
    per_connection_buffer_limit_bytes: bufferBytes,
    filter_chains: [
      {
        name: "published",
        filters: [
          connectionLimit("published"),
          connectionManager({
            statPrefix: "published",
            accessLog: sidecar.accessLog,
            fields: { forward_client_cert_details: "SANITIZE", strip_any_host_port: true },
            virtualHost: toApp(sidecar, hostNames(at)),
          }),
        ],
      },
    ],
  });
}

/** A page on loopback answers to loopback names only, so that no other site's name can be pointed at it. */
function hostNames({ host }: HostPort): string[] {
  const loopback = host === "::1" || host === "localhost" || host.startsWith("127.");
  return loopback ? [...new Set(["localhost", "127.0.0.1", "[::1]", host])] : ["*"];
}

function toApp(sidecar: SidecarPlan, domains: readonly string[]): Fields {
  return {
    name: sidecar.workload,
    domains,
    routes: [
      {
        match: { prefix: "/" },
        route: {
          cluster: `${sidecar.workload}_app`,
          timeout: "0s",
          idle_timeout: "60s",
          // The app is being restarted: nothing of the request had been sent.
          retry_policy: {
            retry_on: "connect-failure,refused-stream,reset-before-request",
            num_retries: 3,
            retry_back_off: { base_interval: "0.025s", max_interval: "0.25s" },
          },
        },
      },
    ],
  };
}

/** Envoy watches the folder, so a file is replaced by a rename inside it. */
export function fileSource({ dynamicDir }: SidecarPlan, file: string): Fields {
  return {
    resource_api_version: "V3",
    path_config_source: { path: `${dynamicDir}/${file}`, watched_directory: { path: dynamicDir } },
  };
}
