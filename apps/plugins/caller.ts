// Who calls: `request.caller` from x-forwarded-client-cert, which only the sidecar can set (docs/app-contract.md).

import type { FastifyInstance } from "fastify";

import { callerOf } from "../../scripts/spiffe/xfcc.ts";
import { problem } from "./problem.ts";

/** The workload at the other end of the sidecar's TLS session. */
export interface Caller {
  readonly spiffeId: string;
  readonly trustDomain: string;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null when no sidecar vouches for anybody: a probe, the published page, an app run alone. */
    caller: Caller | null;
  }
}

/**
 * Decorates every request with its caller. A header that does not name exactly one SPIFFE ID is never taken for its
 * absence: it answers 400 CALLER_INVALID, for every route.
 */
export function decorateCaller(app: FastifyInstance): void {
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request, reply) => {
    const header = request.headers["x-forwarded-client-cert"];
    if (header === undefined) return;
    // Node joins what came in several headers with ", ", which the parser refuses.
    const caller = callerOf(String(header));
    if (caller.ok) {
      request.caller = { spiffeId: caller.id.uri, trustDomain: caller.id.trustDomain };
      return;
    }
    request.log.warn({ problem: caller.problem }, "x-forwarded-client-cert refused");
    await reply.code(400).send(problem("CALLER_INVALID", `x-forwarded-client-cert names no caller: ${caller.problem}`));
  });
}
