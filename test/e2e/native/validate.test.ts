// SPIRE and Envoy themselves accept every file that is rendered, for every golden mesh; and they would not if a field
// were misspelt.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { test as base } from "vitest";

import type { Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";
import { checkoutDir } from "../checkout.ts";
import { asStaticBootstrap, judge, renderGolden, type Verdict } from "./rendered.ts";

const meshes = readdirSync(join(checkoutDir, "test/golden/meshes")).map((name) => basename(name, ".yaml"));

const test = base
  .extend("parent", { scope: "file" }, tmpdir())
  .extend("dir", { scope: "file" }, async ({ parent }, { onCleanup }) => {
    const dir = await mkdtemp(join(parent, "mesh-rendered-"));
    onCleanup(() => rm(dir, { recursive: true }));
    return dir;
  });

function sidecarsOf({ domains }: Plan): SidecarPlan[] {
  return domains.flatMap(({ sidecars }) => [...sidecars]);
}

function fileOf(planned: Plan, process: string): string {
  return planned.processes.find(({ name }) => name === process)?.files[0] ?? "";
}

function refusals(verdicts: Readonly<Record<string, Verdict>>): Record<string, string> {
  const refused = Object.entries(verdicts).filter(([, { accepted }]) => !accepted);
  return Object.fromEntries(refused.map(([name, { said }]) => [name, said]));
}

async function judgeSidecar(sidecar: SidecarPlan, text = asStaticBootstrap(sidecar)): Promise<Verdict> {
  const file = join(sidecar.dynamicDir, "../static.yaml");
  writeFileSync(file, text);
  return judge("MESH_ENVOY", file);
}

test.for(meshes)("SPIRE accepts its files of the mesh %s", async (name, { dir, expect }) => {
  const planned = await renderGolden(name, join(dir, `${name}-spire`));
  const verdicts: Record<string, Verdict> = {};
  for (const { server, agent } of planned.domains) {
    const [ofServer, ofAgent] = [fileOf(planned, server.process), fileOf(planned, agent.process)];
    verdicts[server.process] = await judge("MESH_SPIRE_SERVER", ofServer);
    verdicts[agent.process] = await judge("MESH_SPIRE_AGENT", ofAgent);
  }
  expect(Object.keys(verdicts)).toHaveLength(2 * planned.domains.length);
  expect(refusals(verdicts)).toEqual({});
});

test.for(meshes)("Envoy accepts its files of the mesh %s", async (name, { dir, expect }) => {
  const planned = await renderGolden(name, join(dir, `${name}-envoy`));
  const verdicts: Record<string, Verdict> = {};
  for (const sidecar of sidecarsOf(planned)) {
    verdicts[`${sidecar.process}: bootstrap`] = await judge("MESH_ENVOY", sidecar.bootstrapFile);
    verdicts[`${sidecar.process}: dynamic files`] = await judgeSidecar(sidecar);
  }
  expect(Object.keys(verdicts).length).toBeGreaterThanOrEqual(4);
  expect(refusals(verdicts)).toEqual({});
});

test.for([
  { field: "require_client_certificate", file: "listeners.yaml" },
  { field: "tls_minimum_protocol_version", file: "listeners.yaml" },
  { field: "match_typed_subject_alt_names", file: "clusters.yaml" },
  { field: "matcher_list", file: "policy.yaml" },
  { field: "lb_endpoints", file: "endpoints.yaml" },
])("Envoy would refuse a misspelt $field in $file", async ({ field }, { dir, expect }) => {
  const planned = await renderGolden("many", join(dir, "misspelt"));
  const quotes = sidecarsOf(planned).find(({ workload }) => workload === "quotes");
  if (quotes === undefined) throw new Error("the mesh has no quotes");
  const text = asStaticBootstrap(quotes);
  expect(await judgeSidecar(quotes, text)).toMatchObject({ accepted: true });
  const misspelt = text.replaceAll(field, `${field}x`);
  expect(misspelt).not.toBe(text);
  const { accepted, said } = await judgeSidecar(quotes, misspelt);
  expect(accepted).toBe(false);
  expect(said).toContain(`${field}x`);
});

test("SPIRE would refuse a misspelt key", async ({ dir, expect }) => {
  const planned = await renderGolden("quotes", join(dir, "spire-misspelt"));
  const [domain] = planned.domains;
  if (domain === undefined) throw new Error("the mesh has no trust domain");
  const file = fileOf(planned, domain.server.process);
  expect(await judge("MESH_SPIRE_SERVER", file)).toMatchObject({ accepted: true });
  writeFileSync(file, readFileSync(file, "utf8").replace("ca_ttl", "ca_tttl"));
  const { accepted, said } = await judge("MESH_SPIRE_SERVER", file);
  expect(accepted).toBe(false);
  expect(said).toContain("unknown configuration detected");
});
