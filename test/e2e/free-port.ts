// Ports for what a mesh publishes: free now, and not among those that the kernel gives to outgoing connections.

import { createServer } from "node:net";

import { until } from "../../scripts/wait.ts";

const first = 20_000;
const count = 10_000;
const given = new Set<number>();

/** A TCP port that is free on 127.0.0.1 and that this process was not given before. */
export async function freePort(): Promise<number> {
  return until(
    "a port is free",
    async () => {
      const port = first + Math.floor(Math.random() * count);
      if (given.has(port) || !(await isFree(port))) return undefined;
      given.add(port);
      return port;
    },
    { deadlineMs: 5000, intervalMs: 0 },
  );
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ host: "127.0.0.1", port }, () => server.close(() => resolve(true)));
  return promise;
}
