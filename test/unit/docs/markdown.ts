// What the tests of documents share: the repository's text files, and the parts of a Markdown page.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const repositoryDir = resolve(import.meta.dirname, "../../..");

/** Paths of what git tracks or would track, relative to the repository. */
export function repositoryFiles(...patterns: readonly string[]): string[] {
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", ...patterns];
  return execFileSync("git", words, { cwd: repositoryDir, encoding: "utf8" }).split("\0").filter(Boolean);
}

export function read(path: string): string {
  return readFileSync(join(repositoryDir, path), "utf8");
}

/** Bodies of the fenced blocks in one language, in order. */
export function fencedBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)]
    .filter(([, tag]) => tag === language)
    .map(([, , body = ""]) => body);
}

/** The page without fenced blocks and inline code, where `[a](b)` is no link and `#` no heading. */
export function prose(markdown: string): string {
  return markdown
    .replaceAll(/^```[\s\S]*?^```$/gm, "")
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]]/g, " "));
}

/** Anchors of a page's headings, by GitHub's rule: lower case, without punctuation, spaces as dashes. */
export function anchorsOf(markdown: string): string[] {
  return [...prose(markdown).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}
