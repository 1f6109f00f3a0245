import { test } from "vitest";

import {
  good,
  problemsOf,
  withApp,
  withCalls,
  withDomain,
  withDomains,
  withWorkload,
  withWorkloads,
  type BadInput,
} from "./meshes.ts";

const refused: readonly BadInput[] = [
  [
    "top-level keys misspelt, and nothing of what follows from that",
    "trustDomain: {a.example: {}}\nworkload: {}\n",
    [
      "1:1  unknown key `trustDomain`; did you mean `trustDomains`?",
      "2:1  unknown key `workload`; did you mean `workloads`?",
    ],
  ],
  [
    "top-level keys missing",
    "{}\n",
    [
      "1:1  `trustDomains` is missing; write `trustDomains: {broker.example: {}}`",
      "1:1  `workloads` is missing; write `workloads: {quotes: {spiffeId: spiffe://stockmarket.example/quotes-service, app: {node: apps/quotes/server.ts}}}`",
    ],
  ],
  [
    "top-level keys empty",
    "trustDomains:\nworkloads: {}\n",
    [
      "1:1  `trustDomains` is empty; write `trustDomains: {broker.example: {}}`",
      "2:12  `workloads` is empty; write `workloads: {quotes: {spiffeId: spiffe://stockmarket.example/quotes-service, app: {node: apps/quotes/server.ts}}}`",
    ],
  ],
  [
    "a mapping wanted, a list given",
    "trustDomains: [a.example]\nworkloads: 3\n",
    [
      "1:15  `trustDomains` must be a mapping; write `trustDomains: {broker.example: {}}`",
      "2:12  `workloads` must be a mapping; write `workloads: {quotes: {spiffeId: spiffe://stockmarket.example/quotes-service, app: {node: apps/quotes/server.ts}}}`",
    ],
  ],
  ["a key nearly right", withDomain("ttll: {}"), ["2:15  unknown key `ttll`; did you mean `ttl`?"]],
  [
    "a key in another style",
    good.replace("federatesWith: [broker", "federates_with: [broker"),
    ["3:25  unknown key `federates_with`; did you mean `federatesWith`?"],
  ],
  [
    "a required key misspelt",
    withWorkloads("x: {spiffeID: spiffe://broker.example/x, app: {node: a.ts}}"),
    ["5:7  unknown key `spiffeID`; did you mean `spiffeId`?"],
  ],
  ["`app` misspelt", withWorkload("apps: {node: a.ts}"), ["5:44  unknown key `apps`; did you mean `app`?"]],
  [
    "a key of `app` beside it",
    withWorkload("app: {node: a.ts}, health: /ready"),
    ["5:63  unknown key `health`; write it under `app`"],
  ],
  [
    "a key of the workload under `app`",
    withApp("node: a.ts, publish: 127.0.0.1:8080"),
    ["5:62  unknown key `publish`; write it beside `app`"],
  ],
  [
    "a key from nowhere",
    withWorkload("app: {node: a.ts}, replicas: 3"),
    ["5:63  unknown key `replicas`; write `spiffeId`, `app`, `publish`, `calls`, `expose` or `address`"],
  ],
  ["a domain without a value", withDomains("a.example:"), ["2:3  `a.example` is empty; write `a.example: {}`"]],
  [
    "an app without a value",
    withWorkload("app:"),
    ["5:44  `app` is empty; write `app: {node: apps/quotes/server.ts}`"],
  ],
  [
    "an app as text",
    withWorkload("app: apps/quotes/server.ts"),
    ["5:49  `app` must be a mapping; write `app: {node: apps/quotes/server.ts}`"],
  ],
  [
    "a command as text",
    withApp("command: ./quotes --port 8000"),
    ['5:59  `command` must be a list; write `command: [./quotes, --port, "8000"]`'],
  ],
  [
    "a command with a number and a truth value",
    withApp("command: [./quotes, 8000, true]"),
    ['5:70  `8000` is not text; write `"8000"`, in quotes', '5:76  `true` is not text; write `"true"`, in quotes'],
  ],
  ["an empty command", withApp("command: []"), ["5:59  `command` is empty; write `command: [./quotes]`"]],
  [
    "rules as text",
    withCalls("{quotes: GET /quotes}"),
    ["5:89  `quotes` must be a list of rules, or a mapping with `allow`; write `quotes: [GET /quotes]`"],
  ],
  [
    "rules as a number",
    withCalls("{quotes: 5}"),
    ["5:89  `quotes` must be a list of rules, or a mapping with `allow`; write `quotes: [GET /quotes]`"],
  ],
  ["no rules", withCalls("{quotes: []}"), ["5:89  `quotes` is empty; write `quotes: [GET /quotes]`"]],
  [
    "no rules under `allow`",
    withCalls("{quotes: {allow: []}}"),
    ["5:97  `allow` is empty; write `allow: [GET /quotes]`"],
  ],
  ["`allow` missing", withCalls("{quotes: {timeout: 2s}}"), ["5:81  `allow` is missing; write `allow: [GET /quotes]`"]],
  [
    "`allow` misspelt",
    withCalls("{quotes: {alow: [GET /quotes]}}"),
    ["5:90  unknown key `alow`; did you mean `allow`?"],
  ],
  ["no calls", withCalls("{}"), ["5:80  `calls` is empty; write `calls: {quotes: [GET /quotes]}`"]],
  [
    "calls as a list",
    withCalls("[quotes]"),
    ["5:80  `calls` must be a mapping; write `calls: {quotes: [GET /quotes]}`"],
  ],
  [
    "a rule that is a mapping",
    withCalls("{quotes: [{GET: /quotes}]}"),
    ["5:90  an item of `quotes` must be a rule; write `GET /quotes`"],
  ],
  [
    "a partner as text",
    good.replace("[stockmarket.example]", "stockmarket.example"),
    ["2:35  `federatesWith` must be a list; write `federatesWith: [stockmarket.example]`"],
  ],
  ["TTLs as text", withDomain("ttl: 24h"), ["2:20  `ttl` must be a mapping; write `ttl: {ca: 24h, x509Svid: 1h}`"]],
  ["a TTL without a unit", withDomain("ttl: {ca: 24}"), ["2:25  `24` is not a duration; write `24s`"]],
  [
    "an unknown profile",
    withDomain("bundleEndpoint: {profile: https_spife}"),
    ["2:41  `profile` must be `https_spiffe` or `https_web`; write `profile: https_spiffe`"],
  ],
  [
    "terms not accepted",
    withDomain("bundleEndpoint: {profile: https_web, acme: {domain: a_b, email: ops, acceptTerms: no}}"),
    [
      "2:67  `a_b` is not a DNS name; write `spire.broker.example`",
      "2:79  `ops` is not an e-mail address; write `ops@broker.example`",
      "2:97  `acceptTerms` must be `true`; write `acceptTerms: true`",
    ],
  ],
  [
    "an external domain without its address",
    withDomain("external: {}"),
    [
      "2:15  `url` is missing; write `url: https://spire.partner.example:8443`",
      "2:15  `profile` is missing; write `profile: https_spiffe`",
      "3:49  `x` cannot have `app`: somebody else runs it; remove it",
    ],
  ],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
