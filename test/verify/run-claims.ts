// Development: node test/verify/run-claims.ts [ID…] runs claims against a private mesh and prints the evidence.

import { join } from "node:path";

import { whyNotHere } from "./claim.ts";
import { loadClaims } from "./claims/all.ts";
import { judge } from "./judge.ts";
import { startPrivateMesh } from "./instance/private-mesh.ts";
import { parseMesh } from "../../scripts/model/parse.ts";
import { readFileSync } from "node:fs";
import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";

const repositoryDir = join(import.meta.dirname, "../..");
const { signal } = new AbortController();
const cacheDir = toolCacheDir();
const tools = await ensureTools({ cacheDir, offline: false, report: () => {}, signal });
const mesh = parseMesh(readFileSync(join(repositoryDir, "mesh.yaml"), "utf8"), { file: "mesh.yaml" });
const began = performance.now();
await using instance = await startPrivateMesh({
  mesh,
  edge: { caller: "broker", callee: "quotes", path: "/quotes" },
  tools,
  repositoryDir,
  cacheDir,
  signal,
});
process.stdout.write(`up ${Math.round(performance.now() - began)} ms\n`);
const wanted = process.argv.slice(2);
for (const claim of loadClaims().filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
  const why = whyNotHere(claim, instance);
  if (why !== undefined) process.stdout.write(`--  ${claim.id} not here: ${why}\n`);
  for (const attempt of why === undefined ? claim.attempts : []) {
    const e = await judge(instance, attempt);
    const problem = e.problem ?? e.uncontrolled;
    process.stdout.write(
      `${problem === undefined ? "ok " : "BAD"} ${claim.id} ${e.tried} | ${e.attacker} | ${JSON.stringify(e.sidecar)} | ${e.app} | ${Math.round(e.milliseconds)} ms${problem === undefined ? "" : ` | ${problem}`}\n`,
    );
  }
}
process.stdout.write(`polls ${instance.hostile.polls()}, ${Math.round(performance.now() - began)} ms\n`);
