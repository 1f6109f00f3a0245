// Development: node test/verify/run-mutations.ts [ID…] takes protections away and prints what noticed.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseMesh } from "../../scripts/model/parse.ts";
import { protections } from "../../scripts/render/protections.ts";
import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";
import { loadClaims } from "./claims/all.ts";
import { startPrivateMesh } from "./instance/private-mesh.ts";
import { mutate } from "./mutations.ts";

const repositoryDir = join(import.meta.dirname, "../..");
const { signal } = new AbortController();
const cacheDir = toolCacheDir();
const tools = await ensureTools({ cacheDir, offline: false, report: () => {}, signal });
const mesh = parseMesh(readFileSync(join(repositoryDir, "mesh.yaml"), "utf8"), { file: "mesh.yaml" });
await using instance = await startPrivateMesh({
  mesh,
  edge: { caller: "broker", callee: "quotes", path: "/quotes" },
  tools,
  repositoryDir,
  cacheDir,
  signal,
});
await instance.runtime.stop(instance.plan.domains.map(({ controller }) => controller.process));
const wanted = process.argv.slice(2);
for (const protection of protections.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
  const r = await mutate(instance, protection, loadClaims());
  const [first] = r.red;
  process.stdout.write(
    `${r.notApplied !== undefined ? "n/a " : first === undefined ? "DEAF" : "red "} ${r.protection} | ${r.change} | ${r.notApplied ?? (first === undefined ? protection.guardedBy.join(",") : `${first.claim} ${first.tried}: ${first.problem}`)} | ${Math.round(r.milliseconds)} ms\n`,
  );
}
