// ./mesh verify --runtime docker: the matrix as far as a container beside the callee's sidecar can try it, with every certificate that
// the CAs of the mesh could sign.

import { test as base } from "vitest";

import { contextOf } from "../../scripts/commands/context.ts";
import { placeInContainers } from "../../scripts/commands/verify-place.ts";
import { chosen, isChosen, readTarget } from "./chosen.ts";
import { loadClaims } from "./claims/all.ts";
import { allowedRequest, rightful } from "./instance/control.ts";
import type { KeyedMesh } from "./instance/keyed-mesh.ts";
import { startMeshInContainers } from "./instance/mesh-in-containers.ts";
import { inboundOf } from "./instance/private-mesh.ts";
import { type Court, judgeIn } from "./judge.ts";
import { allOfTls13, tlsCounted } from "./handshakes.ts";
import { problemsOf, resultOf } from "./results.ts";
import { attemptsInContainers, whyNotInContainers } from "./why-not-in-containers.ts";
import type { Evidence } from "./claim.ts";

/** By `./mesh verify`. */
const isGiven = process.env["MESH_VERIFY_STATE"] !== undefined;
const { env } = process;
/** Vitest gives an interrupted test half a second: then Compose must not go on bringing up what the command ends. */
const interruption = new AbortController();
const { signal } = interruption;
process.once("SIGTERM", () => interruption.abort(new Error("interrupted")));
const surroundings = { cwd: process.cwd(), env, report: () => undefined, signal };

const test = base
  .extend("target", { scope: "file" }, chosen)
  .extend("mesh", { scope: "file" }, async ({ target }, { onCleanup }) => {
    await using untilUp = new AsyncDisposableStack();
    const options = { file: target.meshFile, ...target.live, runtime: "docker" };
    const asked = contextOf(options, surroundings);
    // The command has a place for it, which it ends itself.
    const place = isGiven ? asked : untilUp.use(await placeInContainers(asked));
    const context = { ...asked, stateDir: place.stateDir };
    const mesh = untilUp.use(await startMeshInContainers({ ...readTarget(target), context }));
    const made = untilUp.move();
    onCleanup(() => made.disposeAsync());
    return mesh;
  });

const court: Court<KeyedMesh> = {
  received: () => undefined,
  control: async (mesh) => {
    const { cert, key } = await rightful(mesh);
    const seen = await mesh.network.probe(inboundOf(mesh.callee), { shown: { cert, key }, raw: allowedRequest(mesh) });
    if (seen.kind !== "http" || seen.status !== 200) return `the rightful caller got ${JSON.stringify(seen)}`;
    const { protocol, reused } = seen.session;
    return protocol === "TLSv1.3" && !reused ? "" : `over ${JSON.stringify(seen.session)}`;
  },
  controlled: "200 by TLS 1.3, a new session",
  witnessMs: 3000,
};

const claims = loadClaims().filter(({ id }) => isChosen(id));
for (const claim of claims.filter((one) => attemptsInContainers(one).length > 0))
  test(`${claim.id} ${claim.title}`, async ({ mesh, task, expect }) => {
    const attempts = attemptsInContainers(claim);
    const evidence: Evidence[] = [];
    for (const attempt of attempts) evidence.push(await judgeIn(court, mesh, attempt));
    const inPart = whyNotInContainers(claim);
    const result = resultOf({ ...claim, attempts }, evidence);
    Object.assign(task.meta, { claims: [inPart === undefined ? result : { ...result, inPart }] });
    expect(evidence.flatMap((one) => problemsOf(one).map((problem) => `${one.tried}: ${problem}`))).toEqual([]);
  });

test("rows of which nothing is tried in containers say why", async ({ mesh, task, expect }) => {
  const absent = claims.filter((claim) => attemptsInContainers(claim).length === 0);
  const results = absent.map((claim) => resultOf({ ...claim, attempts: [] }, [], whyNotInContainers(claim)));
  Object.assign(task.meta, { claims: results, edge: `${mesh.edge.caller} → ${mesh.edge.callee}` });
  for (const { id, why } of results) expect(why, id).toBeTruthy();
});

test("every handshake of both sidecars was of TLS 1.3, and none resumed a session", async ({ mesh, expect }) => {
  expect(await tlsCounted(mesh)).toEqual(allOfTls13(mesh));
});
