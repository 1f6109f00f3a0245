// The map of CONTRIBUTING.md is the tree: every stage and every suite has its line, and every line its folder.

import { test } from "vitest";

import { fencedBlocks, read, repositoryFiles } from "./markdown.ts";

const [map = ""] = fencedBlocks(read("CONTRIBUTING.md"), "text");
const files = repositoryFiles();

function foldersIn(parent: string): string[] {
  const inside = files.filter((file) => file.startsWith(`${parent}/`) && file.split("/").length > 2);
  return [...new Set(inside.map((file) => file.split("/")[1] ?? ""))].toSorted();
}

test("the map has every folder of scripts/, and no other", ({ expect }) => {
  const [, stages = ""] = /^scripts\/\n([\s\S]*?)^\S/m.exec(map) ?? [];
  const named = [...stages.matchAll(/^ {2}(\w+)\/ /gm)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual(foldersIn("scripts"));
});

test("the map has every suite of test/", ({ expect }) => {
  const [line = ""] = /^test\/ .*(?:\n .*)*/m.exec(map) ?? [];
  expect(foldersIn("test").filter((suite) => !line.includes(`${suite}/`))).toEqual([]);
});

test("the map names every leaf: the files that all stages may import", ({ expect }) => {
  const [, leaves = ""] = /^ {2}spiffe\/ .*\(a leaf, as are ([^)]*)\)/ms.exec(map) ?? [];
  const inRoot = files.filter((file) => /^scripts\/[^/]+\.ts$/.test(file) && file !== "scripts/mesh.ts");
  expect(leaves.split(/,?\s+/)).toEqual(inRoot.map((file) => file.slice("scripts/".length)).toSorted());
});
