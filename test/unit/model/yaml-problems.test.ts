import { test } from "vitest";

import { good, problemsOf, type BadInput } from "./meshes.ts";

const refused: readonly BadInput[] = [
  ["an empty file", "", ["1:1  the file is empty; write `trustDomains:` and below it `workloads:`"]],
  [
    "a file of comments",
    "# nothing yet\n",
    ["1:1  the file is empty; write `trustDomains:` and below it `workloads:`"],
  ],
  ["a list", "- broker\n", ["1:1  the file is not a mapping; write `trustDomains:` and below it `workloads:`"]],
  ["plain text", "broker\n", ["1:1  the file is not a mapping; write `trustDomains:` and below it `workloads:`"]],
  [
    "a tab as indentation",
    "trustDomains:\n\ta.example: {}\n",
    ["2:1  a tab indents this line, and YAML allows spaces only; write spaces"],
  ],
  [
    "a second document",
    `${good}---\n${good}`,
    ["7:1  a second YAML document begins here; write one document, without `---` or `...` inside"],
  ],
  [
    "a key that stands twice, and more",
    `${good}  quotes: {spiffeId: webapp}\n`,
    [
      "7:3  the key `quotes` stands twice in one mapping; write it once",
      "7:22  `webapp` is not a SPIFFE ID: a SPIFFE ID must begin with `spiffe://`; write `spiffe://broker.example/webapp`",
    ],
  ],
  [
    "an unquoted rule that begins with a star",
    good.replace("[GET /quotes]", "[* /quotes/*]"),
    ['5:90  `* /quotes/*` begins with `*`, which YAML takes for an alias; write `"* /quotes/*"`, in quotes'],
  ],
  [
    "several of them",
    good
      .replace("[GET /quotes]", "[* /quotes/*, GET /a, * /b]")
      .replace("app: {node: q.ts}", "app: {node: q.ts}, calls: {broker: [* /*]}"),
    [
      '5:90  `* /quotes/*` begins with `*`, which YAML takes for an alias; write `"* /quotes/*"`, in quotes',
      '5:111  `* /b` begins with `*`, which YAML takes for an alias; write `"* /b"`, in quotes',
      '6:95  `* /*` begins with `*`, which YAML takes for an alias; write `"* /*"`, in quotes',
    ],
  ],
  [
    "an alias without an anchor",
    good.replace("{node: a.ts}", "*app"),
    ["5:59  the alias `*app` has no anchor `&app` above it; write what it stands for"],
  ],
  [
    "an alias inside its own anchor",
    good.replace("{node: a.ts}", "&app {node: *app}"),
    ["5:71  the alias `*app` stands inside its own anchor; write what it stands for"],
  ],
  [
    "aliases of aliases that would fill the memory",
    [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]",
      "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]",
      "d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
    ].join("\n"),
    ["1:1  aliases repeat too much of the file; write what they stand for"],
  ],
  [
    "YAML 1.1",
    `%YAML 1.1\n---\n${good}`,
    ["1:1  the file must be YAML 1.2, and says it is 1.1; write no `%YAML` line"],
  ],
  [
    "a tag",
    good.replace("GET /quotes", "!rule GET /quotes"),
    ["5:90  the tag `!rule` is not read here; write the value without a tag"],
  ],
  ["a merge key", `<<: {a: 1}\n${good}`, ["1:1  merge keys (`<<`) are not read here; write the keys themselves"]],
  ["a key that is a list", `${good}? [a]\n: 1\n`, ["7:3  this key is not text; write a name before the colon"]],
  [
    "a bracket that is not closed",
    "trustDomains: {a.example: [1, 2\nworkloads: {}\n",
    ["2:1  a `[` or `{` above is not closed, or what is inside it is not indented; write the closing bracket"],
  ],
  [
    "a quote that is not closed",
    "trustDomains: 'a\n",
    ["2:1  a quote, a comma or a colon is missing before this place; write it where it belongs"],
  ],
  [
    "two keys on a line",
    "trustDomains: a.example: {}\n",
    ["1:15  a second `key:` begins in the middle of a line; write it on a line of its own, or the value in quotes"],
  ],
  [
    "a key indented below a value",
    "trustDomains:\n  a.example: b\n   ttl: {}\n",
    ["2:14  a second `key:` begins in the middle of a line; write it on a line of its own, or the value in quotes"],
  ],
  [
    "a key indented less than its neighbours",
    "trustDomains:\n   a.example: {}\n  b.example: {}\n",
    [
      "3:1  this line is not indented as its neighbours are; write the same number of spaces before keys that belong together",
    ],
  ],
  [
    "a list item among keys",
    "trustDomains: {}\n- workloads\n",
    ["2:1  this line has no `key:` of its own; write `key: value` on one line"],
  ],
  [
    "a reserved character",
    "trustDomains: @a.example\n",
    ["1:15  a value cannot begin with this character; write the value in quotes"],
  ],
  [
    "an unknown escape",
    'trustDomains: "\\q"\n',
    ["1:16  this escape is not one that YAML knows; write the value in single quotes"],
  ],
  [
    "brackets nested too deeply",
    "[".repeat(3000),
    ["1:1  brackets are nested too deeply; write a description of one mesh"],
  ],
  [
    "several tabs",
    "trustDomains:\n\ta.example: {}\n\tb.example: {}\n",
    [
      "2:1  a tab indents this line, and YAML allows spaces only; write spaces",
      "3:1  a tab indents this line, and YAML allows spaces only; write spaces",
    ],
  ],
  [
    "lines that fit nowhere, of which the first is told",
    "workloads: {}\n- a\ntrustDomains: {}\n  x: 1\n b: {}\n",
    ["2:1  this line has no `key:` of its own; write `key: value` on one line"],
  ],
  ["a file too large", "#".repeat(1024 * 1024 + 1), ["1:1  the file is larger than 1 MiB; write one mesh per file"]],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
