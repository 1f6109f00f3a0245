// server.conf and agent.conf of one trust domain. Relationships and entries are not here: they come from mesh.yaml
// through SPIRE Server's API, so that each fact has one home.

import { refreshHintSeconds } from "../model/refresh-hint.ts";
import type { DomainPlan } from "../plan/plan.ts";

/**
 * How soon a new entry is seen by the server's cache, and then by the agent. Idle cost and cold start pull in opposite
 * directions; docs/decisions/0002-intervals.md has what was measured. Reading events in place of the whole table
 * halves the cost; the whole is read every minute all the same.
 */
const cacheReloadInterval = "100ms";
const fullCacheReloadInterval = "1m";
/** How long a reload looks for events that were written out of order; one server on SQLite writes none. */
const eventTimeout = "10s";
const syncInterval = "2s";

export function serverConf(domain: DomainPlan): string {
  const { server, ttl } = domain;
  return `# SPIRE Server of ${domain.trustDomain}. Rendered from mesh.yaml.
server {
    trust_domain = ${quoted(domain.trustDomain)}
    ca_ttl = "${ttl.caSeconds}s"
    default_x509_svid_ttl = "${ttl.x509SvidSeconds}s"

    bind_address = ${quoted(server.api.host)}
    bind_port = ${server.api.port}
    # Entered by the controller of this trust domain only: whoever opens it can mint any identity.
    socket_path = ${quoted(server.adminSocket)}
    data_dir = ${quoted(server.dataDir)}

    log_level = "INFO"

    federation {
        bundle_endpoint {
            address = ${quoted(server.bundleEndpoint.host)}
            port = ${server.bundleEndpoint.port}
            # Partners poll at a quarter of this.
            refresh_hint = "${refreshHintSeconds}s"
            profile "https_spiffe" {}
        }
    }

    experimental {
        # SPIRE 1.15 reads this and refuses no key exchange at its listeners for it (verify, G23). Agents do (agent.conf),
        # and two SPIRE Servers choose a post-quantum one unasked.
        require_pq_kem = true
        cache_reload_interval = "${cacheReloadInterval}"
        events_based_cache = true
        full_cache_reload_interval = "${fullCacheReloadInterval}"
        event_timeout = "${eventTimeout}"
    }
}

plugins {
    DataStore "sql" {
        plugin_data {
            database_type = "sqlite3"
            connection_string = ${quoted(`${server.dataDir}/datastore.sqlite3`)}
        }
    }

    NodeAttestor "x509pop" {
        plugin_data {
            ca_bundle_path = ${quoted(server.agentCaBundle)}
            # The agent's ID is its certificate's common name: known before it starts, kept over new keys.
            agent_path_template = "/x509pop/{{ .Subject.CommonName }}"
        }
    }

    KeyManager "disk" {
        plugin_data {
            keys_path = ${quoted(`${server.dataDir}/keys.json`)}
        }
    }
}

health_checks {
    listener_enabled = true
    bind_address = ${quoted(server.health.host)}
    bind_port = "${server.health.port}"
    live_path = "/live"
    ready_path = "/ready"
}
`;
}

export function agentConf(domain: DomainPlan): string {
  const { agent, server } = domain;
  return `# SPIRE Agent of ${domain.trustDomain}. Rendered from mesh.yaml.
agent {
    trust_domain = ${quoted(domain.trustDomain)}
    server_address = ${quoted(server.api.host)}
    server_port = ${server.api.port}
    # The server is known by its bundle from the first connection on, never trusted on first use.
    trust_bundle_path = ${quoted(agent.trustBundle)}
    trust_bundle_format = "spiffe"

    # Entered by the sidecars of this trust domain only.
    socket_path = ${quoted(agent.socket)}
    data_dir = ${quoted(agent.dataDir)}

    log_level = "INFO"

    experimental {
        require_pq_kem = true
        sync_interval = "${syncInterval}"
    }
}

plugins {
    NodeAttestor "x509pop" {
        plugin_data {
            private_key_path = ${quoted(agent.privateKey)}
            certificate_path = ${quoted(agent.certificate)}
        }
    }

    # Keys live in memory: after a restart the agent attests again and has the same ID.
    KeyManager "memory" {
        plugin_data {}
    }

    # By Unix user: the app beside a sidecar has another one, and so no SVID.
    WorkloadAttestor "unix" {
        plugin_data {}
    }
}

health_checks {
    listener_enabled = true
    bind_address = ${quoted(agent.health.host)}
    bind_port = "${agent.health.port}"
    live_path = "/live"
    ready_path = "/ready"
}
`;
}

/** An HCL string. `${` would begin an interpolation. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("${", "$${");
}
