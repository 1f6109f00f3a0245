// Bundles that SPIRE Server takes and no sidecar could: with no X.509 authority, or one that Envoy cannot read, Envoy would
// reject the bundles of all partners. The controller ends the relationship in its next pass; the attempts make it a partner again.

import { utimes } from "node:fs/promises";

import { controllerClient } from "../../../scripts/control/client.ts";
import type { DomainPlan } from "../../../scripts/plan/plan.ts";
import { connectServer } from "../../../scripts/trust/server-api.ts";
import { until } from "../../../scripts/wait.ts";
import type { Attempt } from "../claim.ts";
import { allowedRequest, control } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe } from "../instance/probe.ts";
import { domainOf, told, withoutPartnersBundles } from "../instance/users.ts";
import { fetchNow } from "./fetching.ts";

const settles = { deadlineMs: 20_000, intervalMs: 50 };

/** @param authorities how many X.509 authorities SPIRE Server takes */
export function quarantined(
  tried: string,
  authorities: number,
  publish: (mesh: PrivateMesh) => Promise<string>,
): Attempt {
  return {
    tried,
    run: async (mesh) => {
      const document = await publish(mesh);
      mesh.hostile.misbehave({ answer: (_, response) => response.end(document) });
      try {
        await fetchNow(mesh);
        const taken = await heldAuthorities(mesh);
        await wakeController(mesh);
        await until("the relationship has ended", async () => (await heldAuthorities(mesh)) === undefined, settles);
        return told(`taken, of ${taken} authorities; then dissociated; the rightful caller: ${await served(mesh)}`);
      } finally {
        mesh.hostile.misbehave();
        await bePartnerAgain(mesh);
      }
    },
    expected: {
      kind: "denied",
      by: "the controller",
      saw: new RegExp(`^taken, of ${authorities} authorities; then dissociated; the rightful caller: 200$`),
      control: {
        tried: "its bundle as it should be",
        run: async (mesh) => {
          await wakeController(mesh);
          return told(`taken, of ${await heldAuthorities(mesh)} authorities`);
        },
        saw: /^taken, of 1 authorities$/,
      },
    },
  };
}

/**
 * An agent that asked in between has handed the bundle on, and hands on at its next sync that it is gone: until then a
 * handshake may fail, and not longer.
 */
async function served(mesh: PrivateMesh): Promise<string> {
  let problem = "";
  const isServed = async (): Promise<boolean> => {
    problem = await control(mesh);
    return problem === "";
  };
  await until("the rightful caller is served", isServed, { ...settles, lastSeen: () => problem });
  return "200";
}

async function heldAuthorities(
  mesh: PrivateMesh,
  { server }: DomainPlan = domainOf(mesh),
): Promise<number | undefined> {
  await using api = await connectServer(server.adminSocket);
  return (await api.federatedBundle(mesh.hostile.trustDomain))?.x509Authorities.length;
}

/** As a partner that introduces itself anew does: a pass comes at once, and not only in up to 15 s. */
async function wakeController({ hostile }: PrivateMesh): Promise<void> {
  const now = new Date();
  await utimes(hostile.relationship.bootstrapBundleFile, now, now);
}

/** As `./mesh up` does; again for a SPIRE Server that happened to fetch meanwhile what was meant for the other. */
async function bePartnerAgain(mesh: PrivateMesh): Promise<void> {
  const isHeld = async (): Promise<boolean> => {
    const held = mesh.plan.domains.map(async (domain) => {
      await controllerClient(domain).applyPlan({ ...mesh.plan, edges: [] });
      return heldAuthorities(mesh, domain);
    });
    return (await Promise.all(held)).every((authorities) => authorities === 1);
  };
  await until("the partner is one again", isHeld, settles);
  const shown = await mesh.hostile.authority.issue({ uris: [mesh.partnerId] });
  const isServed = async (): Promise<boolean> =>
    (await probe(inboundOf(mesh.callee), { shown, raw: allowedRequest(mesh) })).kind === "http";
  if (withoutPartnersBundles(mesh) === undefined) await until("the partner is served again", isServed, settles);
  mesh.app.take();
}
