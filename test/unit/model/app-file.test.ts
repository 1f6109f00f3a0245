import { test } from "vitest";

import { parseApp } from "../../../scripts/model/app-file.ts";

const at = { file: "examples/quotes-go/app.yaml", folder: "examples/quotes-go" };

test("paths of an app.yaml are relative to its folder", ({ expect }) => {
  expect(parseApp("build: [go, build]\ncommand: [./quotes]\n", at)).toEqual({
    kind: "command",
    command: ["./quotes"],
    build: ["go", "build"],
    workingDir: "examples/quotes-go",
    health: "/health",
  });
  expect(parseApp("node: server.ts\nhealth: /up\ncontract: api.json\n", at)).toEqual({
    kind: "node",
    entry: "examples/quotes-go/server.ts",
    health: "/up",
    contract: "examples/quotes-go/api.json",
  });
  expect(parseApp("image: nginx:1.29\nlisten: 127.0.0.1:8000\n", at)).toMatchObject({
    kind: "image",
    image: "nginx:1.29",
  });
});

function problems(text: string): readonly string[] {
  try {
    parseApp(text, at);
    return [];
  } catch (error) {
    return error instanceof Error && "details" in error && Array.isArray(error.details)
      ? error.details.map(String)
      : [];
  }
}

test("every problem is told at once, with its place", ({ expect }) => {
  expect(problems("nod: server.ts\nlisten: 0.0.0.0:80\n")).toEqual([
    expect.stringMatching(/^examples\/quotes-go\/app\.yaml:1:1 {2}.*`nod`.*did you mean `node`/),
    expect.stringMatching(/^examples\/quotes-go\/app\.yaml:2:9 /),
  ]);
  expect(problems("- a\n")).toEqual([expect.stringContaining("the file is not a mapping; write `command:")]);
  expect(problems("command: [a")).toHaveLength(1);
  expect(problems("node: ../outside.ts\n")).toHaveLength(1);
});
