// A quotes app that somebody is writing: the price says which edit of this file serves.

import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";

const price = 1;

const quote = { symbol: "AAAA", price, open: 1, low: 1, high: 1, close: 1, time: "2026-01-01T00:00:00Z" };
const socket = process.env.LISTEN.slice("unix:".length);

const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ asOf: new Date().toISOString(), quotes: [quote] }));
});
rmSync(socket, { force: true });
server.listen(socket, () => {
  chmodSync(socket, 0o660);
  process.stdout.write(`the price is ${price}\n`);
});
process.once("SIGTERM", () => server.close());
