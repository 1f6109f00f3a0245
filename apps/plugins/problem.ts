// How an app says no: one JSON shape with a code, for every route and every error, and never a stack.

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** JSON Schema of every answer that is not a success. */
export const problemSchema = {
  type: "object",
  description: "What went wrong.",
  required: ["code", "message"],
  additionalProperties: false,
  properties: {
    code: { type: "string", description: "For programs; it does not change.", examples: ["NOT_FOUND"] },
    message: { type: "string", description: "For people." },
  },
} as const;

export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** Codes for what Fastify itself refuses; anything else of the client's making is BAD_REQUEST. */
const codeByStatus: Readonly<Record<number, string>> = {
  404: "NOT_FOUND",
  413: "BODY_TOO_LARGE",
  415: "MEDIA_TYPE_NOT_SUPPORTED",
};

/** Makes `app` answer unknown routes and errors with a Problem; its own faults are logged with their cause. */
export function answerProblems(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(problem("NOT_FOUND", "There is nothing here")));
  app.setErrorHandler(answerError);
}

/** Also for errors before routing (`frameworkErrors`), such as a path that is not a URL. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) {
    request.log.error({ err: error, method: request.method, url: request.url }, "request failed");
    reply.code(500).send(problem("INTERNAL", "The app failed; its log has the cause"));
    return;
  }
  reply.code(status).send(problem(codeByStatus[status] ?? "BAD_REQUEST", error.message));
}

export function problem(code: string, message: string): Problem {
  return { code, message };
}
