// The Fastify instance both apps start from: limits, logs, problems, the caller, health and draining. It listens
// nowhere.

import { fastify, LogController, type FastifyInstance } from "fastify";

import { decorateCaller } from "./caller.ts";
import { addHealthAndDraining } from "./drain.ts";
import { answerError, answerProblems } from "./problem.ts";

export interface AppOptions {
  /** Where log lines go; without it the app is silent. */
  readonly log?: "stdout" | LogStream;
  /** Requests that take this many milliseconds are logged: 1000 unless given, longer than any wait for an upstream. */
  readonly slowMs?: number;
}

export interface LogStream {
  readonly write: (line: string) => void;
}

/** Nobody sends these apps a body. */
const bodyLimitBytes = 16_384;
const requestTimeoutMs = 10_000;

/** Builds an app without routes of its own. Per-request log lines are off; errors and slow requests are logged. */
export function createApp({ log, slowMs = 1000 }: AppOptions): FastifyInstance {
  const app = fastify({
    logger: log === undefined ? false : { level: "info", base: null, ...(log === "stdout" ? {} : { stream: log }) },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    // The sidecar's name for the request, so that its access log and ours can be read together.
    requestIdHeader: "x-request-id",
    // While closing, what still arrives is served, not refused: see drain.ts.
    return503OnClosing: false,
    frameworkErrors: answerError,
    schemaController: { compilersFactory: schemaCompilers },
  });
  answerProblems(app);
  decorateCaller(app);
  addHealthAndDraining(app);
  logSlowRequests(app, slowMs);
  return app;
}

/**
 * Fastify's own compilers load ajv, a quarter of the start-up time. No route here takes input, and what routes answer
 * is held to its schema by the type checker and, against the running app, by its tests; so JSON.stringify does.
 */
const schemaCompilers = {
  buildValidator: () => () => {
    throw new Error("a route takes input: give the app Fastify's own validator back");
  },
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
};

function logSlowRequests(app: FastifyInstance, slowMs: number): void {
  app.addHook("onResponse", async (request, reply) => {
    if (reply.elapsedTime < slowMs) return;
    const { method, url, caller } = request;
    const elapsedMs = Math.round(reply.elapsedTime);
    request.log.warn({ method, url, caller: caller?.spiffeId, status: reply.statusCode, elapsedMs }, "slow request");
  });
}
