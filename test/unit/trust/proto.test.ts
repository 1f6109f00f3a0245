import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { test } from "vitest";

import { protoLines } from "./proto-lines.ts";

const protoDir = join(import.meta.dirname, "../../../scripts/trust/proto");
const files = ["agent.proto", "bundle.proto", "entry.proto", "localauthority.proto", "trustdomain.proto"];

// spire-api-sdk.txt was taken from the SDK itself; test/e2e/native/trust.test.ts holds it against the SDK that the pinned SPIRE
// was built with.
test("names, numbers and types of the .proto files are spire-api-sdk's", async ({ expect }) => {
  const sdk = await readFile(join(import.meta.dirname, "spire-api-sdk.txt"), "utf8");
  expect(protoLines(files, protoDir)).toEqual(sdk.trimEnd().split("\n"));
});
