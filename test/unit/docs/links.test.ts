// Links between documents lead somewhere; pages on the network are not asked.

import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { test } from "vitest";

import { anchorsOf, prose, read, repositoryDir, repositoryFiles } from "./markdown.ts";

interface Link {
  readonly page: string;
  readonly target: string;
}

const pages = repositoryFiles("*.md");
const links: Link[] = pages.flatMap((page) =>
  [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ page, target })),
);

function isBroken({ page, target }: Link): boolean {
  if (/^[a-z]+:/.test(target)) return !URL.canParse(target);
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? page : normalize(join(dirname(page), file));
  if (!existsSync(join(repositoryDir, path))) return true;
  return anchor !== undefined && !anchorsOf(read(path)).includes(anchor);
}

test("the repository has documents, and they have links", ({ expect }) => {
  expect(pages).toEqual(expect.arrayContaining(["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/errors.md"]));
  expect(links.length).toBeGreaterThan(10);
});

test("every link of a document leads to a file, and to a heading in it", ({ expect }) => {
  expect(links.filter(isBroken)).toEqual([]);
});

test("every page under docs/ is linked from the README or from a page that is", ({ expect }) => {
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const { target } of links.filter((link) => link.page === page)) {
      const path = normalize(join(dirname(page), target.split("#")[0] ?? ""));
      for (const found of pages.filter((other) => other === path || dirname(other) === path.replace(/\/$/, "")))
        reached.add(found);
    }
  }
  expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
});

test("a comment or message that names a document names one that is there", ({ expect }) => {
  const sources = repositoryFiles("*.ts", "*.sh", "mesh", "mesh.yaml", ".github/*");
  const named = sources.flatMap((source) =>
    [...read(source).matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([path]) => ({ source, path })),
  );
  expect(named.filter(({ path }) => !existsSync(join(repositoryDir, path)))).toEqual([]);
});
