// What is not YAML, or YAML that is not read here, in words.

import { isScalar, visit, type Document, type YAMLError } from "yaml";

import { quote, write } from "./problem.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something that is not YAML, or not YAML that is read here. */
export interface YamlProblem extends Position {
  readonly message: string;
  readonly suggestion: string;
  /** The data cannot be trusted to be what was meant. */
  readonly broken: boolean;
}

type Locate = (offset: number) => Position;

/** In the order of the file. */
export function yamlProblems(document: Document.Parsed, text: string, locate: Locate): YamlProblem[] {
  // Where the stack ended says nothing about the file, and what is said after it even less.
  if (document.errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) return [tooDeep];
  const found = [
    ...tellable(document.errors, locate).map((error) => ({ ...locate(error.pos[0]), ...wordsFor(error, text) })),
    ...document.warnings.map((warning) => ({ ...locate(warning.pos[0]), ...wordsForTag(text.slice(...warning.pos)) })),
    ...aliasProblems(document, locate),
    ...versionProblems(document),
  ];
  return found.toSorted((left, right) => left.line - right.line || left.column - right.column);
}

const tooDeep: YamlProblem = {
  line: 1,
  column: 1,
  message: "brackets are nested too deeply",
  suggestion: "write a description of one mesh",
  broken: true,
};

/** Errors that leave the rest of the file readable. */
const local = new Set<YAMLError["code"]>([
  "BAD_ALIAS",
  "BAD_DQ_ESCAPE",
  "BAD_SCALAR_START",
  "DUPLICATE_KEY",
  "NON_STRING_KEY",
  "TAB_AS_INDENT",
]);

/**
 * Without what follows from what: after any other error than a local one the parser guesses, and on a line with a local
 * one it already does.
 */
function tellable(errors: readonly YAMLError[], locate: Locate): YAMLError[] {
  const inOrder = errors.toSorted((left, right) => left.pos[0] - right.pos[0]);
  const told: YAMLError[] = [];
  for (const error of inOrder) {
    const last = told.at(-1);
    const follows = last !== undefined && locate(last.pos[0]).line === locate(error.pos[0]).line;
    if (last?.pos[0] === error.pos[0]) continue;
    if (local.has(error.code)) told.push(error);
    else if (!follows) return [...told, error];
  }
  return told;
}

type Words = Pick<YamlProblem, "message" | "suggestion" | "broken">;

function wordsFor(error: YAMLError, text: string): Words {
  const rest = text.slice(error.pos[0]);
  if (error.code === "DUPLICATE_KEY") {
    const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^:,}\s]+)/.exec(rest)?.[0] ?? "";
    const message = `the key ${quote(key)} stands twice in one mapping`;
    return { message, suggestion: "write it once", broken: false };
  }
  if (error.code === "BAD_ALIAS" && /^\*\s*\//.test(rest)) {
    const rule = /^\*[^,\]}\n#]*/.exec(rest)?.[0].trim() ?? "";
    const message = `${quote(rule)} begins with \`*\`, which YAML takes for an alias`;
    return { message, suggestion: `${write(`"${rule}"`)}, in quotes`, broken: true };
  }
  const flow = error.code === "BAD_INDENT" && error.message.startsWith("Flow");
  const [message, suggestion] = (flow ? notClosed : sentences[error.code]) ?? notFitting;
  return { message, suggestion, broken: true };
}

const notIndented: [string, string] = [
  "this line is not indented as its neighbours are",
  "write the same number of spaces before keys that belong together",
];
const notFitting: [string, string] = [
  "this does not fit what stands above it",
  "write it again, with an eye on indentation, quotes and brackets",
];
const notClosed: [string, string] = [
  "a `[` or `{` above is not closed, or what is inside it is not indented",
  "write the closing bracket",
];
const keyInLine: [string, string] = [
  "a second `key:` begins in the middle of a line",
  "write it on a line of its own, or the value in quotes",
];

const sentences: Partial<Record<YAMLError["code"], [message: string, suggestion: string]>> = {
  TAB_AS_INDENT: ["a tab indents this line, and YAML allows spaces only", "write spaces"],
  MULTIPLE_DOCS: ["a second YAML document begins here", "write one document, without `---` or `...` inside"],
  NON_STRING_KEY: ["this key is not text", "write a name before the colon"],
  BAD_INDENT: notIndented,
  BLOCK_AS_IMPLICIT_KEY: keyInLine,
  MULTILINE_IMPLICIT_KEY: ["this line has no `key:` of its own", "write `key: value` on one line"],
  BAD_SCALAR_START: ["a value cannot begin with this character", "write the value in quotes"],
  BAD_DQ_ESCAPE: ["this escape is not one that YAML knows", "write the value in single quotes"],
  MISSING_CHAR: ["a quote, a comma or a colon is missing before this place", "write it where it belongs"],
};

function wordsForTag(tag: string): Words {
  return {
    message: `the tag ${quote(tag)} is not read here`,
    suggestion: "write the value without a tag",
    broken: false,
  };
}

/** Anchors and aliases are read; an alias without its anchor, or inside it, means nothing. */
function aliasProblems(document: Document.Parsed, locate: Locate): YamlProblem[] {
  const problems: YamlProblem[] = [];
  visit(document, {
    Alias(_key, alias, ancestors) {
      if (alias.source === "") return;
      const target = alias.resolve(document);
      const name = quote(`*${alias.source}`);
      const place = locate(alias.range?.[0] ?? 0);
      const suggestion = "write what it stands for";
      if (target === undefined) {
        const message = `the alias ${name} has no anchor \`&${alias.source}\` above it`;
        problems.push({ ...place, message, suggestion, broken: true });
      } else if (!isScalar(target) && ancestors.includes(target)) {
        problems.push({
          ...place,
          message: `the alias ${name} stands inside its own anchor`,
          suggestion,
          broken: true,
        });
      }
    },
  });
  return problems;
}

/** YAML 1.1 reads `yes`, `1:30` and merge keys in its own way. */
function versionProblems(document: Document.Parsed): YamlProblem[] {
  const { explicit, version } = document.directives.yaml;
  if (explicit !== true || version === "1.2") return [];
  const message = `the file must be YAML 1.2, and says it is ${version}`;
  return [{ line: 1, column: 1, message, suggestion: "write no `%YAML` line", broken: true }];
}
