// A quotes app that keeps the contract, and says by its symbol that it is another.

import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";

const caller = /^By=[^,;]+;Hash=[^,;]+;URI=spiffe:\/\/[^,;]+$/;

function answer(request, response) {
  const who = request.headers["x-forwarded-client-cert"];
  const headers = { "content-type": "application/json", ...(server.listening ? {} : { connection: "close" }) };
  const reply = (status, body) => response.writeHead(status, headers).end(body);
  if (request.url === "/health") return reply(200, "{}");
  if (who !== undefined && !caller.test(who)) return reply(400, '{"code":"CALLER_INVALID","message":"no"}');
  if (request.url !== "/quotes") return reply(404, '{"code":"NOT_FOUND","message":"no"}');
  const time = new Date().toISOString();
  const quote = { symbol: "OTHR", price: 1, open: 1, low: 1, high: 1, close: 1, time };
  return reply(200, JSON.stringify({ asOf: time, quotes: [quote] }));
}

const server = createServer({ keepAliveTimeout: 30_000 }, answer);
const socket = process.env.LISTEN.slice("unix:".length);
rmSync(socket, { force: true });
server.listen(socket, () => chmodSync(socket, 0o660));
process.once("SIGTERM", () => server.close());
