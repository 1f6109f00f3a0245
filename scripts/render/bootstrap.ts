// bootstrap.yaml: only what never changes while a sidecar runs. Everything else comes from the four dynamic files.

import type { SidecarPlan } from "../plan/plan.ts";
import { fileSource } from "./listeners.ts";
import { address, extension, typed, type Fields } from "./types.ts";

const mebibyte = 1024 * 1024;
export const sidecarZone = "sidecar";

export function bootstrap(sidecar: SidecarPlan): Fields {
  return {
    // The zone makes Envoy count the answers of its app's slots apart (render/clusters.ts).
    node: { id: sidecar.process, cluster: sidecar.trustDomain, locality: { zone: sidecarZone } },
    admin: {
      address: { pipe: { path: sidecar.adminSocket, mode: sidecar.adminSocketMode } },
    },
    dynamic_resources: {
      lds_config: fileSource(sidecar, "listeners.yaml"),
      cds_config: fileSource(sidecar, "clusters.yaml"),
    },
    static_resources: { clusters: [spireAgent(sidecar)] },
    overload_manager: overloadManager(),
  };
}

function spireAgent({ agentSocket }: SidecarPlan): Fields {
  return {
    name: "spire_agent",
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        { explicit_http_config: { http2_protocol_options: {} } },
      ),
    },
    load_assignment: {
      cluster_name: "spire_agent",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address({ socket: agentSocket }) } }] }],
    },
  };
}

/** Envoy's edge best practices: shed load before the kernel sheds the process. */
function overloadManager(): Fields {
  return {
    refresh_interval: "1s",
    resource_monitors: [
      extension(
        "envoy.resource_monitors.fixed_heap",
        "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        {
          max_heap_size_bytes: 256 * mebibyte,
        },
      ),
      extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        { max_active_downstream_connections: 1000 },
      ),
    ],
    actions: [
      overloadAction("envoy.overload_actions.shrink_heap", 0.95),
      overloadAction("envoy.overload_actions.stop_accepting_requests", 0.98),
    ],
  };
}

function overloadAction(name: string, value: number): Fields {
  return { name, triggers: [{ name: "envoy.resource_monitors.fixed_heap", threshold: { value } }] };
}
