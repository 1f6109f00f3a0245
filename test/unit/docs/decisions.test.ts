// Decisions name figures and folders that the code has; when one of them changes, the decision has to be looked at.

import { test } from "vitest";

import { refreshHintSeconds } from "../../../scripts/model/refresh-hint.ts";
import { read, repositoryFiles } from "./markdown.ts";

const pages = repositoryFiles("docs/decisions/*.md");
const headings = ["Context", "Decision", "Security implications", "Reliability implications"];

test("decisions are numbered without a gap, and their titles carry the number", ({ expect }) => {
  const numbers = pages.map((page) => page.slice("docs/decisions/".length, "docs/decisions/0000".length));
  expect(numbers).toEqual(pages.map((_, index) => String(index + 1).padStart(4, "0")));
  expect(pages.map((page) => read(page).slice(0, 7))).toEqual(numbers.map((number) => `# ${number}.`));
});

test.for(pages)("%s: has context, options, decision, security and reliability implications", (page, { expect }) => {
  const found = [...read(page).matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => heading);
  expect(found.filter((heading) => !heading.startsWith("Options"))).toEqual(headings);
  expect(found[1]).toMatch(/^Options/);
});

test("0002 states the intervals that are rendered", ({ expect }) => {
  const page = read("docs/decisions/0002-intervals.md");
  const rendered = ["spire-server-broker/server.conf", "spire-agent-broker/agent.conf"]
    .map((file) => read(`test/golden/native/quotes/${file}`))
    .join("\n");
  for (const key of ["cache_reload_interval", "events_based_cache", "sync_interval", "refresh_hint"]) {
    const [line] = new RegExp(String.raw`\b${key} = \S+`).exec(rendered) ?? [];
    expect(line, key).toBeDefined();
    expect(page).toContain(`\`${line}\``);
  }
  expect(page).toContain(`a \`ca\` below ${(refreshHintSeconds * 5 * 3) / 60} minutes is refused`);
});

test("0006 has a line for each folder that two processes share", ({ expect }) => {
  const page = read("docs/decisions/0006-folders-as-access-control.md");
  const { folders }: { folders: { path: string; mode: number }[] } = JSON.parse(
    read("test/golden/native/quotes/plan.json"),
  );
  const shared = folders
    .filter(({ mode }) => mode === 0o2750)
    .map(({ path }) =>
      path
        .replace(/^\/run\/[^/]+\//, "")
        .replace(/^(spire-server|spire-agent|controller)-(broker|stockmarket)/, "$1-<name>")
        .replace(/^(broker|quotes)/, "<workload>"),
    );
  expect(shared.length).toBeGreaterThan(0);
  expect([...new Set(shared)].filter((folder) => !page.includes(`| \`${folder}/\``))).toEqual([]);
});

test("0008 states the idle timeout of an edge", ({ expect }) => {
  const outbound = read("test/golden/native/quotes/broker-sidecar/listeners.yaml").split("name: published")[0] ?? "";
  const [, idle] = /timeout: 0s\s+(?:#[^\n]*\n\s+)*idle_timeout: (\d+)s/.exec(outbound) ?? [];
  expect(read("docs/decisions/0008-timeouts.md")).toContain(`an idle timeout of ${idle} s`);
});
