// An app.yaml: the keys of `app` in a file of its own, beside the app. Its paths are relative to its folder. Pure.

import { posix } from "node:path";

import { MeshError } from "../errors.ts";
import { readDocument } from "./document.ts";
import { appDraft, appKinds } from "./draft.ts";
import type { App } from "./mesh.ts";
import { counted, formatProblem, inOrder, toApp } from "./parse.ts";
import { isMapping, isMisspelt } from "./part.ts";
import { jsonPointer, type Problem } from "./problem.ts";
import { appFindings } from "./rules/workloads.ts";
import { appSchema, structureFindings } from "./structure.ts";

export interface AppFile {
  /** How messages call the file: `examples/quotes-go/app.yaml`. */
  readonly file: string;
  /** Its folder, relative to the repository. */
  readonly folder: string;
}

/**
 * The app that `text` describes, its paths relative to the repository, as in mesh.yaml.
 *
 * @throws MeshError MESH_FILE_INVALID, whose details are all problems in the order of the file
 */
export function parseApp(text: string, { file, folder }: AppFile): App {
  const { problems: notYaml, data, locate } = readDocument(text);
  const problems: Problem[] = notYaml.map(({ line, column, message, suggestion }): Problem => {
    return { line, column, message, suggestion, path: "", kind: "invalid" };
  });
  const isBroken = notYaml.some(({ broken }) => broken);
  if (!isBroken && !isMapping(data))
    problems.push({
      line: 1,
      column: 1,
      path: "",
      message: "the file is not a mapping",
      suggestion: example,
      kind: "invalid",
    });
  const draft = appDraft({ path: [], value: data });
  const findings =
    isBroken || !isMapping(data)
      ? []
      : [...structureFindings(data, appSchema), ...(isMeant(data) ? [] : appFindings(draft))];
  for (const { path, at, message, suggestion, kind = "invalid" } of findings)
    problems.push({ ...locate(path, at), path: jsonPointer(path), message, suggestion, kind });
  if (problems.length === 0) return moved(toApp(draft), folder);
  throw new MeshError("MESH_FILE_INVALID", `${file} has ${counted(problems.length, "problem")}`, {
    details: inOrder(problems).map((problem) => formatProblem(problem, file)),
    fix: "correct it; docs/mesh-yaml.md describes the keys of `app`",
  });
}

const example = "write `command: [./quotes]`, or `node: server.ts`";

/** A misspelt `node` is told as such, and not as one that is missing. */
function isMeant(data: unknown): boolean {
  return appKinds.some((kind) => isMisspelt(data, kind));
}

/** From the folder of the file to the repository. A command runs in that folder unless another is named. */
function moved(app: App, folder: string): App {
  const at = (path: string): string => posix.normalize(posix.join(folder, path));
  const { workingDir, contract, ...rest } = app;
  const common = contract === undefined ? {} : { contract: at(contract) };
  if (rest.kind === "image") return { ...rest, ...common };
  if (rest.kind === "node")
    return {
      ...rest,
      entry: at(rest.entry),
      ...common,
      ...(workingDir === undefined ? {} : { workingDir: at(workingDir) }),
    };
  return { ...rest, ...common, workingDir: at(workingDir ?? ".") };
}
