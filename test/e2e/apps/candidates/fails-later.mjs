// A quotes app that keeps the contract, which asks about 450 times, and wears out later: from the 601st request on it says 500.

import { chmodSync } from "node:fs";
import { createServer } from "node:http";

const quote = { symbol: "AAAA", price: 1, open: 1, low: 1, high: 1, close: 1, time: "2026-01-01T00:00:00Z" };
const quotes = JSON.stringify({ asOf: "2026-01-01T00:00:00Z", quotes: [quote] });
const caller = /^By=[^,;]+;Hash=[^,;]+;URI=spiffe:\/\/[^,;]+$/;
let left = 600;

function answer(request, response) {
  const who = request.headers["x-forwarded-client-cert"];
  const reply = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(body);
  if (request.url === "/health") return reply(200, "{}");
  if (who !== undefined && !caller.test(who)) return reply(400, '{"code":"CALLER_INVALID","message":"no"}');
  if (request.url !== "/quotes") return reply(404, '{"code":"NOT_FOUND","message":"no"}');
  left -= 1;
  return left < 0 ? reply(500, '{"code":"INTERNAL","message":"worn out"}') : reply(200, quotes);
}

const server = createServer({ keepAliveTimeout: 30_000 }, answer);
const socket = process.env.LISTEN.slice("unix:".length);
server.listen(socket, () => chmodSync(socket, 0o660));
process.once("SIGTERM", () => server.close());
