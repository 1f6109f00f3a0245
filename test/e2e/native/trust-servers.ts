// Starts real SPIRE Servers for a test, each on a loopback address of its own and in a folder that is removed after.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { DomainPlan, StaticEntry } from "../../../scripts/plan/plan.ts";
import { connectWhenUp, type ServerApi } from "../../../scripts/trust/server-api.ts";
import { until } from "../../../scripts/wait.ts";

export interface TestServer extends AsyncDisposable {
  readonly trustDomain: string;
  readonly api: ServerApi;
  readonly adminSocket: string;
  readonly bundleFile: string;
  /** A plan of this server that federates with `partners`. */
  readonly plan: (entries: readonly StaticEntry[], partners: readonly TestPartner[]) => TestPlan;
  readonly bundleEndpointUrl: string;
  readonly agentSpiffeId: string;
  readonly log: () => string;
  /** Stops the process and starts it again on the same data. */
  readonly restart: () => Promise<void>;
}

/** Whom a plan can federate with. */
export type TestPartner = Pick<TestServer, "trustDomain" | "bundleFile" | "bundleEndpointUrl">;

export type TestPlan = Pick<DomainPlan, "trustDomain" | "entries" | "relationships" | "agent">;

/** Starts one SPIRE Server. `MESH_SPIRE_SERVER` names the binary. */
export async function startServer(trustDomain: string): Promise<TestServer> {
  const binary = process.env.MESH_SPIRE_SERVER;
  if (binary === undefined) throw new Error("MESH_SPIRE_SERVER must name a spire-server binary; ./mesh test sets it");
  const dir = await mkdtemp(join(tmpdir(), "mesh-trust-"));
  const address = await freeAddress([8081, 8443]);
  const adminSocket = join(dir, "api.sock");
  const logFile = join(dir, "server.log");
  mkdirSync(join(dir, "data"));
  writeFileSync(join(dir, "agent-ca.pem"), "");
  writeFileSync(join(dir, "server.conf"), configuration({ trustDomain, address, adminSocket, dir }));
  const start = (): ChildProcess => {
    const log = openSync(logFile, "a");
    const started = spawn(binary, ["run", "-config", join(dir, "server.conf")], { stdio: ["ignore", log, log] });
    closeSync(log);
    return started;
  };
  let child = start();
  const stop = async (): Promise<void> => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    child.kill("SIGTERM");
    await ended;
  };
  try {
    const api = await connectWhenUp(adminSocket, { server: `spire-server of ${trustDomain}`, untilMs: 10_000 });
    const agentSpiffeId = `spiffe://${trustDomain}/spire/agent/x509pop/agent`;
    return {
      trustDomain,
      api,
      adminSocket,
      agentSpiffeId,
      bundleFile: join(dir, "bundle.json"),
      bundleEndpointUrl: `https://${address}:8443`,
      plan: (entries, partners) => planOf(trustDomain, agentSpiffeId, entries, partners),
      log: () => readFileSync(logFile, "utf8"),
      [Symbol.asyncDispose]: async () => {
        api.close();
        await stop();
        await rm(dir, { recursive: true });
      },
      restart: async () => {
        await stop();
        child = start();
      },
    };
  } catch (error) {
    const said = readFileSync(logFile, "utf8");
    await stop();
    await rm(dir, { recursive: true });
    throw new Error(`spire-server of ${trustDomain} did not come up:\n${said}`, { cause: error });
  }
}

export interface TwoServers extends AsyncDisposable {
  readonly broker: TestServer;
  readonly stockmarket: TestServer;
}

/** The two trust domains of the shipped mesh. */
export async function startTwo(): Promise<TwoServers> {
  const [broker, stockmarket] = await Promise.all([startServer("broker.example"), startServer("stockmarket.example")]);
  return {
    broker,
    stockmarket,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([broker[Symbol.asyncDispose](), stockmarket[Symbol.asyncDispose]()]);
    },
  };
}

export function entryPlan(server: TestServer, name: string, more: Partial<StaticEntry> = {}): StaticEntry {
  return {
    name,
    spiffeID: `spiffe://${server.trustDomain}/${name}`,
    parentID: server.agentSpiffeId,
    selectors: [`unix:uid:1000`, `unix:path:/${name}`],
    federatesWith: [],
    x509SVIDTTLSeconds: 600,
    ...more,
  };
}

function planOf(
  trustDomain: string,
  spiffeId: string,
  entries: readonly StaticEntry[],
  partners: readonly TestPartner[],
): TestPlan {
  return {
    trustDomain,
    entries,
    relationships: partners.map((partner) => ({
      name: partner.trustDomain,
      trustDomain: partner.trustDomain,
      bundleEndpointURL: partner.bundleEndpointUrl,
      bundleEndpointProfile: {
        type: "https_spiffe",
        endpointSPIFFEID: `spiffe://${partner.trustDomain}/spire/server`,
      },
      bootstrapBundleFile: partner.bundleFile,
    })),
    agent: {
      spiffeId,
      process: "",
      socket: "",
      health: { host: "127.0.0.1", port: 0 },
      dataDir: "",
      commonName: "agent",
      certificate: "",
      privateKey: "",
      trustBundle: "",
    },
  };
}

// refresh_hint: SPIRE's client raises anything below a minute to one, and polls at a quarter of it: every 15 s is the
// fastest honest polling there is.
function configuration({
  trustDomain,
  address,
  adminSocket,
  dir,
}: Record<"trustDomain" | "address" | "adminSocket" | "dir", string>): string {
  return `
server {
    trust_domain = "${trustDomain}"
    bind_address = "${address}"
    bind_port = 8081
    socket_path = "${adminSocket}"
    data_dir = "${join(dir, "data")}"
    log_level = "DEBUG"
    ca_ttl = "24h"
    experimental {
        events_based_cache = true
        cache_reload_interval = "100ms"
    }
    federation {
        bundle_endpoint {
            address = "${address}"
            port = 8443
            refresh_hint = "1m"
            profile "https_spiffe" {}
        }
    }
}
plugins {
    DataStore "sql" {
        plugin_data {
            database_type = "sqlite3"
            connection_string = "${join(dir, "data", "datastore.sqlite3")}"
        }
    }
    KeyManager "disk" {
        plugin_data {
            keys_path = "${join(dir, "data", "keys.json")}"
        }
    }
    NodeAttestor "join_token" {
        plugin_data {}
    }
}
`;
}

let lastHost = 0;

/** An address of 127.0.0.0/8 on which all these ports are free. */
export async function freeAddress(ports: readonly number[]): Promise<string> {
  return until(
    "a loopback address is free",
    async () => {
      lastHost += 1;
      const address = `127.99.${process.pid % 250}.${lastHost}`;
      const free = await Promise.all(ports.map((port) => isFree(address, port)));
      return free.every(Boolean) ? address : undefined;
    },
    { deadlineMs: 5000, intervalMs: 0 },
  );
}

function isFree(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ host, port }, () => server.close(() => resolve(true)));
  return promise;
}
