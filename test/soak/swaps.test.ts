// Twenty swaps back and forth between four languages under 500 requests a second: none fails.

import { join } from "node:path";

import { beforeAll } from "vitest";

import { planOf } from "../e2e/applied-plan.ts";
import { checkoutDir } from "../e2e/checkout.ts";
import { meshTest } from "../e2e/mesh.ts";
import { ensureLanguages } from "../e2e/native/languages.ts";
import { beginOpenLoad } from "../e2e/open-load.ts";

const test = meshTest();

beforeAll(ensureLanguages);

const rounds = 5;
const languages = ["go", "python", "java"] as const;

test(
  "twenty swaps between languages under 500 requests a second cost none",
  { timeout: 30 * 60_000 },
  async ({ mesh, expect }) => {
    // Built once before: a compiler beside the load is not what is asked about.
    for (const language of languages) await mesh.must("contract", "quotes", "--app", folderOf(language));
    const [edge] = (await planOf(mesh)).edges;
    if (edge === undefined) throw new Error("the mesh has no edge");
    const load = beginOpenLoad(edge.socket, { path: "/quotes", perSecond: 500 });
    let swaps = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const language of languages) {
        await mesh.must("swap", "quotes", "--app", folderOf(language));
        swaps += 1;
      }
      await mesh.must("swap", "quotes", "--back");
      swaps += 1;
    }
    const { sent, failures } = await load.end();
    process.stdout.write(`${swaps} swaps, ${sent} requests, ${failures.length} failed\n`);
    expect(swaps).toBe(20);
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(20 * 500);
  },
);

function folderOf(language: (typeof languages)[number]): string {
  return join(checkoutDir, `examples/quotes-${language}`);
}
