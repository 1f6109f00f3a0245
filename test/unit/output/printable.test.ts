import { test } from "vitest";

import { MeshError } from "../../../scripts/errors.ts";
import { formatError } from "../../../scripts/output/errors.ts";
import { printable } from "../../../scripts/output/print.ts";

test("escape sequences of others are shown, not obeyed", ({ expect }) => {
  expect(printable("\u001b]0;owned\u0007 \u009b31m ok\tünï")).toBe(
    String.raw`\u001b]0;owned\u0007 \u009b31m ok` + "\tünï",
  );
});

test("what would turn or hide text is shown", ({ expect }) => {
  expect(printable("a\u202eb\u2066c\rd")).toBe(String.raw`a\u202eb\u2066c\u000dd`);
});

test("an error prints no control character of a log or of a file", ({ expect }) => {
  const error = new MeshError("MESH_PROCESS_FAILED", "quotes \u001b[2J", {
    details: ["\u001b[H"],
    cause: new Error("\u001b[m"),
  });
  expect(formatError(error, (_, text) => text)).not.toContain("\u001b");
});
