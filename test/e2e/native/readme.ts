// What README.md tells a reader to do and see: its command blocks, the output shown below each, and the edits between.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Step =
  /** A block of commands, and the output that the README shows for it, if it does. */
  | { readonly kind: "commands"; readonly commands: string; readonly output: string | undefined }
  /** Lines to add at the end of mesh.yaml. */
  | { readonly kind: "edit"; readonly added: string };

/** The steps of README.md in order: blocks `sh`, or those of another tag, each with a following `text`, and `diff`. */
export function readmeSteps(checkout: string, tag = "sh"): Step[] {
  const text = readFileSync(join(checkout, "README.md"), "utf8");
  const blocks = [...text.matchAll(/^```([^\n]+)\n([^]*?)^```$/gm)];
  const steps: Step[] = [];
  for (const [index, [, language, content = ""]] of blocks.entries()) {
    const [, next, shown] = blocks[index + 1] ?? [];
    if (language === tag)
      steps.push({ kind: "commands", commands: content, output: next === "text" ? shown : undefined });
    if (language === "diff") steps.push({ kind: "edit", added: addedLines(content) });
  }
  return steps;
}

function addedLines(diff: string): string {
  const added = diff.split("\n").filter((line) => line.startsWith("+"));
  return added.map((line) => `${line.slice(1)}\n`).join("");
}

/** Output without what differs from run to run: numbers, times, ids, where sockets are, how far columns are apart. */
export function skeleton(output: string): string[] {
  return output
    .split("\n")
    .map((line) =>
      line
        .replaceAll(/\/\S*?\/mesh-(?:\d+-)?[0-9a-f]{8}\b/g, "<run>")
        .replaceAll(/\b[0-9a-f]{12,}…?/g, "<id>")
        .replaceAll(/\b\d+ [hdm] \d+ [hms]\b/g, "<time>")
        .replaceAll(/\b\d+(?:\.\d+)? (?:ms|s|m|h)\b/g, "<time>")
        .replaceAll(/\d+/g, "<n>")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "");
}

/** Those of `lines` that stand in `text` in the same order: a README may show a part of what is printed. */
export function foundInOrder(lines: readonly string[], text: readonly string[]): string[] {
  let from = 0;
  return lines.filter((line) => {
    const at = text.indexOf(line, from);
    if (at >= 0) from = at + 1;
    return at >= 0;
  });
}
