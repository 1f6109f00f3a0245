// The tutorial's two sidecars as planned, real admin answers of Envoy 1.40, and a socket to serve them on.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";
import type { DomainPlan, EdgePlan, Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";

const tutorial = `trustDomains:
  broker.example: { federatesWith: [stockmarket.example] }
  stockmarket.example: { federatesWith: [broker.example] }
workloads:
  broker:
    spiffeId: spiffe://broker.example/webapp
    app: { node: apps/broker/server.ts }
    publish: 127.0.0.1:8080
    calls: { quotes: [GET /quotes] }
  quotes:
    spiffeId: spiffe://stockmarket.example/quotes-service
    app: { node: apps/quotes/server.ts }
`;

export function tutorialPlan(): Plan {
  const mesh = parseMesh(tutorial, { file: "mesh.yaml" });
  return plan(mesh, exampleHost(mesh));
}

export function domainOf(planned: Plan, trustDomain: string): DomainPlan {
  const domain = planned.domains.find((candidate) => candidate.trustDomain === trustDomain);
  if (domain === undefined) throw new Error(`no trust domain ${trustDomain}`);
  return domain;
}

/** The sidecar of `broker`, the caller, or of `quotes`, the callee. */
export function sidecarOf(workload: "broker" | "quotes", changes: Partial<SidecarPlan> = {}): SidecarPlan {
  const sidecar = tutorialPlan()
    .domains.flatMap(({ sidecars }) => sidecars)
    .find((candidate) => candidate.workload === workload);
  if (sidecar === undefined) throw new Error(`no sidecar of ${workload}`);
  return { ...sidecar, ...changes };
}

export function tutorialEdge(changes: Partial<EdgePlan> = {}): EdgePlan {
  const [edge] = tutorialPlan().edges;
  if (edge === undefined) throw new Error("the tutorial has no edge");
  return { ...edge, ...changes };
}

/** An answer that Envoy 1.40 gave, from test/golden/envoy. */
export function recorded(file: string): string {
  return readFileSync(join(import.meta.dirname, "../../golden/envoy", file), "utf8");
}

export interface SocketFolder extends AsyncDisposable {
  readonly path: (name: string) => string;
  /** Serves on a Unix socket of that name. */
  readonly serve: (
    name: string,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ) => Promise<string>;
}

/** A folder for sockets and files; everything in it ends with the test. */
export async function socketFolder(): Promise<SocketFolder> {
  const folder = await mkdtemp(join(tmpdir(), "mesh-unit-"));
  const servers: ReturnType<typeof createServer>[] = [];
  return {
    path: (name) => join(folder, name),
    serve: async (name, answer) => {
      const socket = join(folder, name);
      const server = createServer(answer);
      servers.push(server);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject);
      server.listen(socket, resolve);
      await promise;
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
