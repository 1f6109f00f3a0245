// The controller's HTTP interface on its Unix socket. Who may open the socket may command the controller, so the socket
// is for its own user and group, and lies in a folder that only those enter.

import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { requestUnix } from "../observe/unix-http.ts";
import type { Plan } from "../plan/plan.ts";
import type { Controller } from "./controller.ts";

/** What can be asked of a controller over its socket. */
export type Commanded = Pick<Controller, "self" | "facts" | "applyPlan">;

export interface ControllerServer {
  /** Answers what was asked, then ends. */
  readonly close: () => Promise<void>;
}

const maxPlanBytes = 16 * 1024 * 1024;

/**
 * Serves a controller: `GET /health`, `GET /facts` (`?probe=false` sends no probes), `PUT /plan`.
 *
 * @throws MeshError MESH_LOCKED when another controller serves on the socket
 */
export async function serveController(controller: Commanded, socket: string): Promise<ControllerServer> {
  await removeStaleSocket(socket);
  const server = createServer((request, response) => {
    answer(controller, request)
      .catch((error: unknown) => problem(error))
      .then(({ status, body }) => send(response, status, body))
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  await listen(server, socket);
  await chmod(socket, 0o660);
  return {
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeIdleConnections();
      await promise;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

async function answer(controller: Commanded, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://controller");
  switch (`${request.method ?? ""} ${url.pathname}`) {
    case "GET /health":
      return { status: 200, body: controller.self() };
    case "GET /facts":
      return { status: 200, body: await controller.facts({ probe: url.searchParams.get("probe") !== "false" }) };
    case "PUT /plan":
      return { status: 200, body: await controller.applyPlan(await readPlanBody(request)) };
    default:
      return {
        status: 404,
        body: { code: "MESH_CONTROLLER", message: `there is no ${request.method} ${url.pathname}` },
      };
  }
}

async function readPlanBody(request: IncomingMessage): Promise<Plan> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxPlanBytes) throw new MeshError("MESH_INPUT_INVALID", "the plan is too large");
    chunks.push(chunk);
  }
  try {
    const plan: Plan = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return plan;
  } catch (error) {
    throw new MeshError("MESH_INPUT_INVALID", `the plan is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** A MeshError crosses the socket whole; anything else is a bug of the controller, and says so. */
function problem(error: unknown): Answer {
  if (error instanceof MeshError) {
    const { code, message, fix, details } = error;
    return { status: 422, body: { code, message, fix, details } };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: 500, body: { code: "MESH_CONTROLLER", message: messageOf(error), details: stack.split("\n") } };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

/** A socket file that nobody listens on was left by a controller that was killed. */
async function removeStaleSocket(socket: string): Promise<void> {
  const isServed = await requestUnix({ socket, path: "/health", deadlineMs: 500 }).then(
    () => true,
    // One that is busy answers late; only a socket without a listener refuses.
    (error: unknown) => !["ENOENT", "ECONNREFUSED"].includes(systemErrorCode(error) ?? ""),
  );
  if (isServed) throw new MeshError("MESH_LOCKED", `another controller serves on ${socket}`, { fix: "./mesh ps" });
  await rm(socket, { force: true });
}

async function listen(server: Server, socket: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(socket, resolve);
  await promise;
}
