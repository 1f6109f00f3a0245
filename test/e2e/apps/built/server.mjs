// An app of the kind `command`, for TCP only, that works no sooner than its build has run.

import { createServer } from "node:http";

const version = "not built";
const [host, port] = (process.env.LISTEN ?? "").split(":");

createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ version, path: request.url, caller: request.headers["x-forwarded-client-cert"] }));
}).listen({ host, port: Number(port) });

process.once("SIGTERM", () => process.exit(0));
