// Every file that follows from a mesh, byte for byte. `npx vitest -u --project unit` is the only way to change a golden,
// and its diff is the review.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { manifests } from "../../../scripts/render/manifests.ts";
import { render } from "../../../scripts/render/render.ts";

const goldenDir = join(import.meta.dirname, "../../golden");
const meshes = readdirSync(join(goldenDir, "meshes")).map((file) => file.replace(/\.yaml$/, ""));

function planned(mesh: string): Plan {
  const file = join(goldenDir, "meshes", `${mesh}.yaml`);
  const parsed = parseMesh(readFileSync(file, "utf8"), { file });
  return plan(parsed, exampleHost(parsed));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

for (const mesh of meshes) {
  test(`the native files of ${mesh} are as committed`, async ({ expect }) => {
    for (const { path, process, content } of render(planned(mesh))) {
      const golden = join(goldenDir, "native", mesh, process, path.slice(path.lastIndexOf("/") + 1));
      await expect(content).toMatchFileSnapshot(golden);
    }
  });

  test(`no golden of ${mesh} is of anything else`, ({ expect }) => {
    const whole = planned(mesh);
    const files = render(whole).map(({ path, process }) => `${process}/${path.slice(path.lastIndexOf("/") + 1)}`);
    const kinds = whole.domains.flatMap((domain) =>
      Object.keys(manifests(domain)).map((name) => `manifests/${domain.name}/${name}`),
    );
    expect(filesBelow(join(goldenDir, "native", mesh)).toSorted()).toEqual(
      [...files, ...kinds, "plan.json"].toSorted(),
    );
  });

  test(`the plan of ${mesh} is as committed`, async ({ expect }) => {
    const { processes, folders, edges } = planned(mesh);
    const golden = join(goldenDir, "native", mesh, "plan.json");
    await expect(`${JSON.stringify({ processes, folders, edges }, null, 2)}\n`).toMatchFileSnapshot(golden);
  });

  test(`the manifests of ${mesh} are as committed`, async ({ expect }) => {
    for (const domain of planned(mesh).domains) {
      for (const [name, content] of Object.entries(manifests(domain)))
        await expect(content).toMatchFileSnapshot(join(goldenDir, "native", mesh, "manifests", domain.name, name));
    }
  });
}

test("a sidecar's dynamic files lie in a folder of their own", ({ expect }) => {
  const files = render(planned("quotes"));
  const dynamic = new Set(files.filter((file) => file.dynamic).map(({ path }) => dirname(path)));
  const fixed = new Set(files.filter((file) => !file.dynamic).map(({ path }) => dirname(path)));
  expect(dynamic.intersection(fixed)).toEqual(new Set());
  expect(dynamic.size).toBe(2);
});
