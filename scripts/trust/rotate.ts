// Rotates the X.509 CA of one SPIRE Server in SPIRE's own four steps: prepare (publish the next CA), activate (sign with
// it), taint (agents renew what the old one signed), revoke (take the old one out of the bundle). Each step looks whether
// it is its turn, so a repeated or forgotten one is told in words.

import { MeshError } from "../errors.ts";
import type { ServerApi } from "./server-api.ts";
import type { X509Authority } from "./server-types.ts";

type Api = Pick<
  ServerApi,
  | "server"
  | "x509Authorities"
  | "prepareX509Authority"
  | "activateX509Authority"
  | "taintX509Authority"
  | "revokeX509Authority"
>;

/**
 * The CA that is to sign next: the one already prepared, or a new one. Preparing twice would throw the first one away
 * while partners may hold it already. Partners must see it before it signs: SPIFFE_Federation.md 4.1 recommends 3–5
 * refresh hints, which is the caller's to wait for.
 */
export async function prepareX509Authority(api: Api): Promise<X509Authority> {
  const { prepared } = await api.x509Authorities();
  return prepared ?? api.prepareX509Authority();
}

/**
 * Lets the prepared CA sign from now on.
 *
 * @throws MeshError MESH_SPIRE_API when none is prepared
 */
export async function activateX509Authority(api: Api): Promise<X509Authority> {
  const { prepared } = await api.x509Authorities();
  if (prepared === undefined) throw outOfTurn(api, "has no prepared X.509 CA to activate", "prepare one first");
  return api.activateX509Authority(prepared.id);
}

/**
 * Makes agents renew every SVID of the old CA. It stays in the bundle until it is revoked.
 *
 * @throws MeshError MESH_SPIRE_API when there is no old CA
 */
export async function taintX509Authority(api: Api): Promise<X509Authority> {
  return api.taintX509Authority(await oldX509Authority(api, "taint"));
}

/**
 * Takes the old CA out of the bundle: what it signed is refused everywhere. SPIRE Server demands that it was tainted.
 *
 * @throws MeshError MESH_SPIRE_API when there is no old CA, or it was not tainted
 */
export async function revokeX509Authority(api: Api): Promise<X509Authority> {
  return api.revokeX509Authority(await oldX509Authority(api, "revoke"));
}

async function oldX509Authority(api: Api, step: string): Promise<string> {
  const { old } = await api.x509Authorities();
  if (old === undefined) throw outOfTurn(api, `has no old X.509 CA to ${step}`, "prepare and activate a new one first");
  return old.id;
}

function outOfTurn(api: Api, problem: string, fix: string): MeshError {
  return new MeshError("MESH_SPIRE_API", `${api.server} ${problem}`, { fix });
}
