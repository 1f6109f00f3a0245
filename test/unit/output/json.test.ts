import { join } from "node:path";

import { Ajv } from "ajv";
import { test } from "vitest";

import { publishedSchemas } from "../../../scripts/output/json.ts";
import { readyReport } from "../control/fixtures.ts";

const folder = join(import.meta.dirname, "../../../docs/schemas");

test.for(Object.keys(publishedSchemas()))(
  "docs/schemas/%s is current (write it anew with `vitest -u`)",
  async (name, { expect }) => {
    const schema = `${JSON.stringify(publishedSchemas()[name], undefined, 2)}\n`;
    await expect(schema).toMatchFileSnapshot(join(folder, name));
  },
);

test("what `./mesh status --json` printed of a real mesh is as its published schema says", ({ expect }) => {
  const schema = publishedSchemas()["status.json"] ?? {};
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
  expect(validate(readyReport()), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...readyReport(), ready: "yes" })).toBe(false);
  const back = "./mesh swap quotes --back";
  expect(validate({ ...readyReport(), swapped: [{ workload: "quotes", app: "examples/quotes-go", back }] })).toBe(true);
  expect(validate({ ...readyReport(), swapped: [{ workload: "quotes" }] })).toBe(false);
});
