// What the docker runtime's files promise beside the rules for containers: they are as committed, a mesh that grows moves
// nobody, and what is written twice is the same.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { test } from "vitest";

import versions from "../../../versions.json" with { type: "json" };
import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { dockerHost } from "../../../scripts/plan/docker.ts";
import { dockerFiles } from "../../../scripts/render/docker.ts";
import { composeOf, dockerPlan, filesOf, goldenDir, meshNames, meshOf } from "./docker-meshes.ts";

const repositoryDir = join(import.meta.dirname, "../../..");

test("the files of the shipped mesh are as committed", async ({ expect }) => {
  const mesh = parseMesh(readFileSync(join(repositoryDir, "mesh.yaml"), "utf8"), { file: "mesh.yaml" });
  for (const { path, content } of dockerFiles(mesh))
    await expect(content).toMatchFileSnapshot(join(repositoryDir, path));
});

for (const mesh of meshNames.filter((name) => name !== "quotes")) {
  test(`the docker files of ${mesh} are as committed`, async ({ expect }) => {
    for (const { path, content } of filesOf(mesh))
      if (!/plan\.json$|manifests\//.test(path))
        await expect(content).toMatchFileSnapshot(join(goldenDir, "docker", mesh, path));
  });
}

test("a workload that is added moves nobody", ({ expect }) => {
  const mesh = meshOf("quotes");
  const [first] = mesh.workloads;
  if (first === undefined) throw new Error("the mesh has a workload");
  const grown = {
    ...mesh,
    workloads: [{ ...first, name: "added", publish: { host: "127.0.0.1", port: 8081 } }, ...mesh.workloads],
  };
  const [before, after] = [dockerHost(mesh), dockerHost(grown)];
  expect(after.users).toMatchObject(before.users);
  for (const network of before.networks ?? []) expect(after.networks).toContainEqual(expect.objectContaining(network));
});

test("what is committed names the subnet by the variable wherever a program reads it", ({ expect }) => {
  const files = filesOf("quotes");
  const read = files.filter(({ path }) => /\.conf$|plan\.json$/.test(path));
  expect(read).toHaveLength(6);
  for (const { path, content } of read) {
    expect(content, path).not.toMatch(/\b10\.199\b/);
    expect(content, path).toContain("${MESH_SUBNET}.");
  }
});

test("another subnet is another address and nothing else", ({ expect }) => {
  const mesh = meshOf("three-domains");
  const other = JSON.stringify(plan(mesh, dockerHost(mesh, { subnet: "10.77" })));
  expect(other.replaceAll("10.77.", "10.199.")).toBe(JSON.stringify(dockerPlan("three-domains")));
});

test("a program's plan holds its own trust domain's part", ({ expect }) => {
  const content = filesOf("three-domains").find(({ path }) => path === "spire/bank.example/plan.json")?.content;
  const own = JSON.parse(content ?? "");
  expect(own.domains.map(({ trustDomain }: { trustDomain: string }) => trustDomain)).toEqual(["bank.example"]);
  expect(own.processes.every(({ trustDomain }: { trustDomain: string }) => trustDomain === "bank.example")).toBe(true);
});

test("each image is built by one service", ({ expect }) => {
  for (const name of meshNames) {
    const built = [...composeOf(name).text.matchAll(/\*(\S+)-build,/g)].map(([, image]) => image);
    expect(built).toHaveLength(2);
    expect(new Set(built)).toEqual(new Set(["app", "controller"]));
  }
});

test("the Dockerfile starts from the Node image of versions.json", ({ expect }) => {
  const image = `node:${versions.node.version}-bookworm-slim`;
  expect(readFileSync(join(repositoryDir, "Dockerfile"), "utf8")).toContain(`\nARG NODE_IMAGE=${image}\n`);
  expect(composeOf("quotes").text).toContain(`NODE_IMAGE: "\${NODE_IMAGE:-${image}}"`);
});
