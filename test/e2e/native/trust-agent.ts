// Starts a real SPIRE Agent beside a test's SPIRE Server, attested by a join token.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { TestServer } from "./trust-servers.ts";

const run = promisify(execFile);

export interface TestAgent extends AsyncDisposable {
  readonly spiffeId: string;
  /** What it says to a workload of this user: names of SVIDs and bundles; empty: nothing yet. */
  readonly fetch: () => Promise<string>;
  readonly log: () => string;
}

/** `MESH_SPIRE_SERVER` and `MESH_SPIRE_AGENT` name the binaries. */
export async function startAgent(server: TestServer): Promise<TestAgent> {
  const { MESH_SPIRE_SERVER: serverBinary, MESH_SPIRE_AGENT: binary } = process.env;
  if (binary === undefined || serverBinary === undefined)
    throw new Error("MESH_SPIRE_SERVER and MESH_SPIRE_AGENT must name binaries; ./mesh test sets them");
  const dir = await mkdtemp(join(tmpdir(), "mesh-agent-"));
  const generate = ["token", "generate", "-socketPath", server.adminSocket];
  const { stdout } = await run(serverBinary, generate);
  const token = /^Token: (\S+)/m.exec(stdout)?.[1] ?? "";
  const show = ["bundle", "show", "-socketPath", server.adminSocket];
  writeFileSync(join(dir, "bundle.pem"), (await run(serverBinary, show)).stdout);
  writeFileSync(join(dir, "agent.conf"), configuration(server, dir));
  const log = openSync(join(dir, "agent.log"), "a");
  const start = ["run", "-config", join(dir, "agent.conf"), "-joinToken", token];
  const child = spawn(binary, start, { stdio: ["ignore", log, log] });
  closeSync(log);
  return {
    spiffeId: `spiffe://${server.trustDomain}/spire/agent/join_token/${token}`,
    fetch: async () => {
      try {
        const fetch = ["api", "fetch", "x509", "-timeout", "1s", "-socketPath", join(dir, "agent.sock")];
        return (await run(binary, fetch)).stdout;
      } catch {
        return ""; // No socket yet, or no identity for this user.
      }
    },
    log: () => readFileSync(join(dir, "agent.log"), "utf8"),
    [Symbol.asyncDispose]: async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true });
    },
  };
}

function configuration({ trustDomain, bundleEndpointUrl }: TestServer, dir: string): string {
  return `
agent {
    trust_domain = "${trustDomain}"
    server_address = "${new URL(bundleEndpointUrl).hostname}"
    server_port = 8081
    socket_path = "${join(dir, "agent.sock")}"
    data_dir = "${dir}"
    trust_bundle_path = "${join(dir, "bundle.pem")}"
    log_level = "DEBUG"
    experimental {
        sync_interval = "200ms"
    }
}
plugins {
    KeyManager "memory" {
        plugin_data {}
    }
    NodeAttestor "join_token" {
        plugin_data {}
    }
    WorkloadAttestor "unix" {
        plugin_data {}
    }
}
`;
}
