// How long ./mesh test unit takes, as typed, three times.

import { join } from "node:path";

import { test } from "vitest";

import { checkoutDir } from "../e2e/checkout.ts";
import { run } from "../e2e/command.ts";
import { commandEnvironment } from "../e2e/place.ts";
import { printFigures, seconds, spread } from "./figures.ts";

test("./mesh test unit", { timeout: 300_000 }, async ({ expect }) => {
  const runs: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const options = { cwd: checkoutDir, env: commandEnvironment(), deadlineMs: 100_000 };
    const { status, stdout, ms } = await run(join(checkoutDir, "mesh"), ["test", "unit"], options);
    expect(status, stdout).toBe(0);
    runs.push(ms);
  }
  printFigures("The unit suite, as typed", [["./mesh test unit", spread(runs, seconds)]]);
});
