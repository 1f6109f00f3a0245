import { test } from "vitest";

import { problemsOf, withCalls, type BadInput } from "./meshes.ts";

const refused: readonly BadInput[] = [
  [
    "a query",
    withCalls("{quotes: [GET /a?b]}"),
    ["5:90  `GET /a?b` is not a rule: a path is matched without query and fragment; write `GET /a`"],
  ],
  [
    "a fragment",
    withCalls("{quotes: [GET /a#b]}"),
    ["5:90  `GET /a#b` is not a rule: a path is matched without query and fragment; write `GET /a`"],
  ],
  [
    "no slash",
    withCalls("{quotes: [GET a]}"),
    ["5:90  `GET a` is not a rule: the path must begin with `/`; write `GET /a`"],
  ],
  [
    "a doubled slash",
    withCalls("{quotes: [GET //a]}"),
    ["5:90  `GET //a` is not a rule: a path must not contain `//`; write `GET /a`"],
  ],
  [
    "dot segments",
    withCalls("{quotes: [GET /a/../b, GET /.]}"),
    [
      "5:90  `GET /a/../b` is not a rule: a path must not contain dot segments; write `GET /quotes` or `* /entries/*`",
      "5:103  `GET /.` is not a rule: a path must not contain dot segments; write `GET /quotes` or `* /entries/*`",
    ],
  ],
  [
    "a star in the middle",
    withCalls("{quotes: [GET /a/*/b]}"),
    ["5:90  `GET /a/*/b` is not a rule: `*` may stand only at the end, as `/*`; write `GET /quotes` or `* /entries/*`"],
  ],
  [
    "a star after letters",
    withCalls("{quotes: [GET /a*]}"),
    ["5:90  `GET /a*` is not a rule: `*` may stand only at the end, as `/*`; write `GET /a/*`"],
  ],
  [
    "two stars",
    withCalls("{quotes: [GET /**]}"),
    ["5:90  `GET /**` is not a rule: `*` may stand only at the end, as `/*`; write `GET /*`"],
  ],
  [
    "percent-encoding",
    withCalls("{quotes: [GET /a%2fb]}"),
    [
      "5:90  `GET /a%2fb` is not a rule: a path must not contain percent-encoding; write `GET /quotes` or `* /entries/*`",
    ],
  ],
  [
    "a path parameter",
    withCalls("{quotes: [GET /a;b]}"),
    [
      "5:90  `GET /a;b` is not a rule: the path has a character that no rule may have; write `GET /quotes` or `* /entries/*`",
    ],
  ],
  [
    "two blanks",
    withCalls("{quotes: [GET  /a]}"),
    ["5:90  `GET  /a` is not a rule: one blank separates method and path; write `GET /a`"],
  ],
  [
    "three words",
    withCalls("{quotes: [GET /a HTTP/1.1]}"),
    ["5:90  `GET /a HTTP/1.1` is not a rule: it has more than a method and a path; write `GET /a`"],
  ],
  ["no path", withCalls("{quotes: [GET]}"), ["5:90  `GET` is not a rule: the path is missing; write `GET /quotes`"]],
  ["no method", withCalls("{quotes: [/a]}"), ["5:90  `/a` is not a rule: the method is missing; write `GET /a`"]],
  [
    "a method in small letters",
    withCalls("{quotes: [get /a]}"),
    ["5:90  `get /a` is not a rule: the method must be in capitals; write `GET /a`"],
  ],
  [
    "methods that sidecars never admit",
    withCalls("{quotes: [CONNECT /a, TRACE /a]}"),
    [
      "5:90  `CONNECT /a` is not a rule: `CONNECT` is not a method a sidecar admits; write `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS` or `*`",
      "5:102  `TRACE /a` is not a rule: `TRACE` is not a method a sidecar admits; write `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS` or `*`",
    ],
  ],
  [
    "a number",
    withCalls("{quotes: [3]}"),
    [
      "5:90  `3` is not a rule: `3` is not a method a sidecar admits; write `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS` or `*`",
    ],
  ],
  [
    "a rule twice",
    withCalls("{quotes: [GET /a, HEAD /a, GET /a]}"),
    ["5:107  the rule `GET /a` stands twice (line 5); write it once"],
  ],
  [
    "a path too long",
    withCalls(`{quotes: [GET /${"a".repeat(1024)}]}`),
    [
      "5:90  `GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` is not a rule: the path is longer than 1024 characters; write `GET /quotes` or `* /entries/*`",
    ],
  ],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
