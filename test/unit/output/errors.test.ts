import { test } from "vitest";

import { MeshError } from "../../../scripts/errors.ts";
import { formatError } from "../../../scripts/output/errors.ts";

const plain = (_: unknown, text: string): string => text;

test("an expected problem is told as what, details, why and fix, without a stack", ({ expect }) => {
  const error = new MeshError("MESH_PORT_TAKEN", "127.0.0.1:8080 is taken by nginx (pid 7)", {
    details: ["published by broker"],
    fix: "stop nginx, or publish another port in mesh.yaml",
    cause: new Error("listen EADDRINUSE", { cause: new Error("address already in use") }),
  });
  expect(formatError(error, plain)).toMatchInlineSnapshot(`
    "error[MESH_PORT_TAKEN]: 127.0.0.1:8080 is taken by nginx (pid 7)
      published by broker
      because: listen EADDRINUSE
      because: address already in use
    fix: stop nginx, or publish another port in mesh.yaml
    An address the mesh listens on is taken: docs/errors.md#mesh_port_taken"
  `);
});

test("a cause that the message already tells is not told again", ({ expect }) => {
  const cause = new Error("connect ENOENT");
  const error = new MeshError("MESH_CONTROLLER", "controller-broker: connect ENOENT", { cause });
  expect(formatError(error, plain)).not.toContain("because");
});

test("a chain of causes that runs in a circle ends", ({ expect }) => {
  const [first, second] = [new Error("first"), new Error("second")];
  first.cause = second;
  second.cause = first;
  const error = new MeshError("MESH_SPIRE_API", "refused", { cause: first });
  expect(formatError(error, plain).match(/because/g)).toHaveLength(2);
});

test("a bug shows its stack and asks to be reported", ({ expect }) => {
  const shown = formatError(new TypeError("x is undefined"), plain);
  expect(shown).toMatch(/^bug: x is undefined\nTypeError: x is undefined\n\s+at /);
  expect(shown).toContain("Please report it");
  expect(formatError("thrown text", plain)).toContain("bug: thrown text");
});
