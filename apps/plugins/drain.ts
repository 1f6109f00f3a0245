// Stopping: requests that are under way or still arrive on open connections are answered in full, and each answer
// closes its connection, so that no kept-alive connection holds the exit.

import type { FastifyInstance } from "fastify";

/** Adds `GET /health`, and after the app began to close: 503 there and `connection: close` on every answer. */
export function addHealthAndDraining(app: FastifyInstance): void {
  let draining = false;
  app.addHook("preClose", async () => {
    draining = true;
  });
  app.addHook("onSend", async (_request, reply) => {
    if (draining) reply.header("connection", "close");
  });
  app.get(
    "/health",
    { schema: { hide: true, response: { "2xx": healthSchema, 503: healthSchema } } },
    (_request, reply) =>
      reply
        .code(draining ? 503 : 200)
        .header("cache-control", "no-store")
        .send({ status: draining ? "stopping" : "ok" }),
  );
}

const healthSchema = {
  type: "object",
  required: ["status"],
  additionalProperties: false,
  properties: { status: { type: "string", enum: ["ok", "stopping"] } },
} as const;
