import { test } from "vitest";

import { type ComposeProject, inspect } from "../../../scripts/runtime/compose-project.ts";
import { pathWith } from "../tools/docker/fake-programs.ts";
import { tempDir } from "./temp-dir.ts";

/** A docker that says this, and ends with 1. */
async function projectWith(
  onTestFinished: (clean: () => Promise<void>) => void,
  said: { readonly stdout: string; readonly stderr: string },
): Promise<ComposeProject> {
  const dir = await tempDir(onTestFinished);
  const PATH = await pathWith(dir, {
    docker: `printf '%s\\n' '${said.stdout}'; printf '%s\\n' '${said.stderr}' >&2; exit 1`,
  });
  return { name: "mesh", dir, swappedFile: "/nowhere/swapped.yml", command: ["docker", "compose"], env: { PATH } };
}

test("what has gone since it was listed is left out", async ({ expect, onTestFinished }) => {
  const said = ["Error: No such container: b", "Error response from daemon: network c not found"].join("\n");
  const project = await projectWith(onTestFinished, { stdout: '[{"Id":"a"}]', stderr: said });
  expect(JSON.parse(await inspect(project, "container", ["a", "b"]))).toEqual([{ Id: "a" }]);
  expect(await inspect(project, "network", [])).toBe("[]");
});

test("anything else that the engine says is not passed over", async ({ expect, onTestFinished }) => {
  const stderr = "Error: No such container: b\nError response from daemon: input/output error";
  const project = await projectWith(onTestFinished, { stdout: "[]", stderr });
  await expect(inspect(project, "container", ["a", "b"])).rejects.toThrow("input/output error");
});
