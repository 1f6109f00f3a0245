// An app that tells a test what reached it, and that calls whom the test wants, with whatever method and path. It knows
// no more than the app contract: LISTEN and UPSTREAM_<NAME>.

import { chmodSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

interface Received {
  readonly method: string;
  readonly path: string;
  /** x-forwarded-client-cert: who its sidecar says is calling. */
  readonly caller: string | undefined;
}

const received: Received[] = [];

const server = createServer((incoming, response) => {
  void answer(incoming, response);
});

/** `unix:/path`; the tests' meshes give no other. */
const socket = (process.env["LISTEN"] ?? "").replace(/^unix:/, "");
server.listen(socket, () => chmodSync(socket, 0o660));
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url: path = "/" } = incoming;
  if (path === "/health") return send(response, 200, {});
  if (path === "/received") return send(response, 200, received);
  if (path.startsWith("/call?"))
    return send(response, 200, await call(new URLSearchParams(path.slice("/call?".length))));
  const header = incoming.headers["x-forwarded-client-cert"];
  received.push({ method, path, caller: Array.isArray(header) ? header.join() : header });
  send(response, 200, { received: received.length });
}

/** Calls an upstream, and tells how it answered. */
async function call(query: URLSearchParams): Promise<object> {
  const upstream = query.get("upstream") ?? "";
  const address = process.env[`UPSTREAM_${upstream.toUpperCase().replaceAll("-", "_")}`];
  if (address === undefined) return { problem: `there is no upstream ${upstream}` };
  const { promise, resolve } = Promise.withResolvers<object>();
  const options = {
    socketPath: address.replace(/^unix:/, ""),
    method: query.get("method") ?? "GET",
    path: query.get("path") ?? "/",
  };
  request({ ...options, headers: { host: upstream, connection: "close" }, timeout: 10_000 }, (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (text: string) => (body += text));
    response.once("end", () => resolve({ status: response.statusCode, body }));
  })
    .once("error", (error) => resolve({ problem: String(error) }))
    .end();
  return promise;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
