// Asks SPIRE Server and Agent for their own health over HTTP, as SPIRE's documentation describes (`health_checks`:
// /live and /ready). What a server knows beyond that comes from its API, through trust.

import { request as httpRequest } from "node:http";

import type { HostPort } from "../model/mesh.ts";
import type { Health } from "./facts.ts";
import { unreachable } from "./unix-http.ts";

/** Health of a SPIRE Server or Agent by its health address. Never throws: no answer is an answer. */
export async function observeSpireHealth(address: HostPort, deadlineMs = 500): Promise<Health> {
  try {
    if ((await statusOf(address, "/ready", deadlineMs)) === 200) return { state: "ready" };
    if ((await statusOf(address, "/live", deadlineMs)) === 200)
      return { state: "live", reason: "it runs and is not ready" };
    return { state: "live", reason: "it answers and says that it is not healthy" };
  } catch (error) {
    return { state: "down", reason: unreachable(error, `${address.host}:${address.port}`) };
  }
}

/** Status of one GET; throws what the connection throws. */
export function statusOf(address: HostPort, path: string, deadlineMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const signal = AbortSignal.timeout(deadlineMs);
  const request = httpRequest({ ...address, path, agent: false, signal }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  request.on("error", reject);
  request.end();
  return promise;
}
