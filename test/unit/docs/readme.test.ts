// The README against what it speaks of: the command line, mesh.yaml, the rendered files. Its commands are run in order by
// test/e2e/native/readme.test.ts.

import { execFileSync } from "node:child_process";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { refreshHintSeconds } from "../../../scripts/model/refresh-hint.ts";
import { diskNeeds } from "../../../scripts/tools/prerequisites.ts";
import { fencedBlocks, read, repositoryDir, repositoryFiles } from "./markdown.ts";

const readme = read("README.md");
const commands = fencedBlocks(readme, "sh").flatMap((block) => block.trimEnd().split("\n"));
const golden = (path: string): string => read(`test/golden/native/quotes/${path}`);

const printed = new Map<string, string>();

/** What a command's help says. Each is asked for once: it is a process. */
function help(...verb: readonly string[]): string {
  const known = printed.get(verb.join(" "));
  if (known !== undefined) return known;
  const text = execFileSync(process.execPath, ["scripts/mesh.ts", ...verb, "--help"], {
    cwd: repositoryDir,
    encoding: "utf8",
  });
  printed.set(verb.join(" "), text);
  return text;
}

test("a block of commands has one command per line, and nothing else", ({ expect }) => {
  expect(commands).toContain("./mesh up");
  expect(commands).toContain("./mesh down");
  expect(commands.filter((line) => line.trim() === "" || /^\s|^[#$]|\\$|<</.test(line))).toEqual([]);
});

test("every command of mesh that a document names is in its help", ({ expect }) => {
  const known = new Set([...help().matchAll(/^ {2}(\w+)\b(?!:)/gm)].map(([, verb]) => verb));
  expect(known).toContain("up");
  const named = repositoryFiles("*.md").flatMap((page) =>
    [...read(page).matchAll(/\.\/mesh ([a-z]+)\b/g)].map(([, verb]) => ({ page, verb })),
  );
  expect(named.filter(({ verb }) => !known.has(verb))).toEqual([]);
});

test("every option that the README gives a command is in that command's help", ({ expect }) => {
  for (const line of commands) {
    const [, verb, words = ""] = /^\.\/mesh (\w+)([^|]*)/.exec(line) ?? [];
    const options = words.split(" ").filter((word) => word.startsWith("-"));
    if (verb === undefined || options.length === 0) continue;
    const text = help(verb);
    expect(options.filter((option) => !text.includes(`  ${option},`) && !text.includes(` ${option} `))).toEqual([]);
  }
});

test("the versions are those of versions.json", ({ expect }) => {
  const { spire, envoy, node } = JSON.parse(read("versions.json"));
  expect(readme).toContain(`Versions: SPIRE ${spire.version}, Envoy ${envoy.version}, Node ${node.version} `);
});

test("the disk space it asks for is what the build checks for, and docs/errors.md says the same", ({ expect }) => {
  const gigabytes = diskNeeds["build-spire"] / 1000 ** 3;
  expect(readme).toContain(`${gigabytes} GB of free disk while SPIRE is built`);
  expect(read("docs/errors.md")).toContain(`Building SPIRE takes ${gigabytes} GB`);
});

test("the description it shows is the shipped one", ({ expect }) => {
  const [shown = ""] = fencedBlocks(readme, "yaml");
  expect(parseMesh(shown, { file: "README.md" })).toEqual(parseMesh(read("mesh.yaml"), { file: "mesh.yaml" }));
});

test("the workload it adds fits the end of the shipped mesh.yaml, and is valid there", ({ expect }) => {
  const [addition = ""] = fencedBlocks(readme, "diff");
  const lines = addition.trimEnd().split("\n");
  const linesWith = (mark: string): string =>
    lines.flatMap((line) => (line.startsWith(mark) ? [`${line.slice(1)}\n`] : [])).join("");
  const shipped = read("mesh.yaml");
  expect(shipped.endsWith(linesWith(" "))).toBe(true);
  const mesh = parseMesh(shipped + linesWith("+"), { file: "mesh.yaml" });
  expect(mesh.workloads.map(({ name }) => name)).toContain("dashboard");
  expect(mesh.edges).toContainEqual(expect.objectContaining({ caller: "dashboard", callee: "quotes" }));
});

test("the journey names every listener and every SDS resource of both sidecars", ({ expect }) => {
  const [, journey = ""] = /^## One request's journey\n([\s\S]*?)^## /m.exec(readme) ?? [];
  const files = ["broker-sidecar/listeners.yaml", "broker-sidecar/clusters.yaml", "quotes-sidecar/listeners.yaml"];
  const rendered = files.map(golden).join("\n");
  const names = [
    ...rendered.matchAll(/^ {2}name: (\w+)$/gm),
    ...rendered.matchAll(/^ *(?:- )?name: (\S+)\n\s+sds_config:/gm),
  ].map(([, name = ""]) => name);
  expect(names).toEqual(expect.arrayContaining(["inbound", "ALL", "spiffe://broker.example/webapp"]));
  const callees = new Set(["quotes", "broker_app"]);
  expect(names.filter((name) => !callees.has(name) && !journey.includes(`\`${name}\``))).toEqual([]);
});

test("the times it states are the rendered ones", ({ expect }) => {
  const [, streamSeconds] = /max_stream_duration: (\d+)s/.exec(golden("broker-sidecar/clusters.yaml")) ?? [];
  const outbound = golden("broker-sidecar/listeners.yaml").split("name: published")[0] ?? "";
  const [, idleSeconds] = /\n\s+timeout: 0s\s+(?:#[^\n]*\n\s+)*idle_timeout: (\d+)s/.exec(outbound) ?? [];
  expect(readme).toContain(`an exchange ends after ${Number(streamSeconds) / 60} minutes`);
  expect(readme).toContain(`nothing has moved for ${idleSeconds} seconds`);
  expect(readme).toContain(`every ${refreshHintSeconds / 4} seconds`);
});
