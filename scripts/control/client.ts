// What the CLI uses to speak with a controller over its Unix socket. Promise: facts and reports, or a MeshError
// MESH_CONTROLLER (or the controller's own error) that says what to do.

import { MeshError, errorCatalogue, type ErrorCode } from "../errors.ts";
import { factsVersion, type DomainFacts } from "../observe/facts.ts";
import { requestUnix, type UnixRequest, type UnixResponse } from "../observe/unix-http.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { domainFactsShape, planReportShape } from "./facts-shape.ts";
import type { PlanReport } from "./report.ts";
import type { Shape } from "./shape.ts";

export interface ControllerClient {
  /**
   * What the controller knows of its trust domain now. `probe`: it sends one GET along each of its edges first (true
   * unless given).
   */
  readonly facts: (options?: { readonly probe?: boolean; readonly deadlineMs?: number }) => Promise<DomainFacts>;
  /**
   * Hands it a new plan and waits until SPIRE Server and every sidecar have taken it up.
   *
   * @throws MeshError what the controller met, e.g. MESH_UPDATE_REJECTED with Envoy's own reason
   */
  readonly applyPlan: (plan: Plan, options?: { readonly deadlineMs?: number }) => Promise<PlanReport>;
  /** True when it answers. */
  readonly health: () => Promise<boolean>;
}

/** One request to a controller, wherever its socket is: on this machine, or in its container (ask-container.ts). */
export type Ask = (process: string, request: UnixRequest) => Promise<UnixResponse>;

/** Over its socket on this machine. */
export const askHere: Ask = (_, request) => requestUnix(request);

/** A client of the controller of `domain`. Opens a connection per call; holds nothing. */
export function controllerClient(domain: Pick<DomainPlan, "controller">, ask: Ask = askHere): ControllerClient {
  const { process, socket } = domain.controller;
  const call = (method: string, path: string, deadlineMs: number, body?: string): Promise<UnixResponse> =>
    ask(process, { socket, method, path, deadlineMs, body }).catch((error: unknown) => {
      throw new MeshError("MESH_CONTROLLER", `${process} does not answer on its socket`, {
        fix: `./mesh restart ${process}`,
        cause: error,
      });
    });
  return {
    facts: async ({ probe = true, deadlineMs = 5000 } = {}) => {
      const response = await call("GET", `/facts?probe=${String(probe)}`, deadlineMs);
      const body = bodyOf(process, response);
      const { version }: { readonly version?: unknown } = objectOf(process, body);
      if (version !== factsVersion)
        throw new MeshError("MESH_CONTROLLER", `${process} runs another version of this software`, {
          fix: `./mesh restart ${process}`,
        });
      refuseGarbled(process, body, domainFactsShape);
      const facts: DomainFacts = JSON.parse(body);
      return facts;
    },
    applyPlan: async (plan, { deadlineMs = 20_000 } = {}) => {
      const response = await call("PUT", "/plan", deadlineMs, JSON.stringify(plan));
      const body = bodyOf(process, response);
      refuseGarbled(process, body, planReportShape);
      const report: PlanReport = JSON.parse(body);
      return report;
    },
    health: async () => {
      try {
        return (await ask(process, { socket, path: "/health", deadlineMs: 1000 })).status === 200;
      } catch {
        return false; // No socket, nobody listening, no answer in time: the question is answered.
      }
    },
  };
}

/** The body of a 200; a MeshError that crossed the socket is thrown again as what it was. */
function bodyOf(process: string, response: UnixResponse): string {
  if (response.status === 200) return response.body;
  const problem: { code?: unknown; message?: unknown; fix?: unknown; details?: unknown } = objectOf(
    process,
    response.body,
  );
  const { code, message, fix, details } = problem;
  throw new MeshError(isErrorCode(code) ? code : "MESH_CONTROLLER", `${process}: ${String(message)}`, {
    ...(typeof fix === "string" ? { fix } : {}),
    details: Array.isArray(details) ? details.map(String) : [],
  });
}

/** The object in a body. A controller may be another program by now, or a hostile one. */
function objectOf(process: string, body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    throw garbled(process, "it is not JSON", error);
  }
  throw garbled(process, "it is not an object");
}

function refuseGarbled(process: string, body: string, shape: Shape): void {
  const problem = shape(objectOf(process, body), "");
  if (problem !== undefined) throw garbled(process, `${problem || "the whole"} is not what it should be`);
}

function garbled(process: string, why: string, cause?: unknown): MeshError {
  return new MeshError("MESH_CONTROLLER", `${process} sent what cannot be used: ${why}`, {
    fix: `./mesh restart ${process}`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCatalogue, code);
}
