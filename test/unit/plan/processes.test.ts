import { readFileSync } from "node:fs";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";

const file = new URL("../../golden/meshes/many.yaml", import.meta.url);
const mesh = parseMesh(readFileSync(file, "utf8"), { file: "many.yaml" });

test("an app runs in its folder of the checkout, or in the copy that was made of it", ({ expect }) => {
  const host = exampleHost(mesh);
  const workingDirs = (appDirs: Record<string, string>): Record<string, string> =>
    Object.fromEntries(
      plan(mesh, { ...host, appDirs })
        .processes.filter(({ role }) => role === "app")
        .map(({ name, workingDir }) => [name, workingDir]),
    );
  expect(workingDirs({})).toMatchObject({ broker: "/opt/mesh", ledger: "/opt/mesh/examples/ledger" });
  expect(workingDirs({ ledger: "/copies/ledger" })).toMatchObject({ broker: "/opt/mesh", ledger: "/copies/ledger" });
});
