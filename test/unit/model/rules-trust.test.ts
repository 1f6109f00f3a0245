import { test } from "vitest";

import { problemsOf, withDomain, withDomains, type BadInput } from "./meshes.ts";

const refused: readonly BadInput[] = [
  [
    "one name for two domains, derived",
    withDomains("a.example: {}", "a.test: {}"),
    ["3:3  `a` is already the name of `a.example` (line 2); write `name: …` below one of them"],
  ],
  [
    "one name for two domains, given",
    withDomains("a.example: {}", "b.example: {name: a}"),
    ["3:21  `a` is already the name of `a.example` (line 2); write another name"],
  ],
  [
    "a first label that is no name",
    withDomains("a.example: {}", "1.example: {}"),
    ["3:3  the first label of `1.example` cannot be the domain's name; write a name below it, such as `name: partner`"],
  ],
  [
    "federation with itself",
    withDomain("federatesWith: [a.example]"),
    ["2:31  `a.example` cannot federate with itself; remove it"],
  ],
  [
    "federation with a domain nobody knows, and one misspelt",
    withDomains("a.example: {federatesWith: [partner.test, bank.exampel]}", "bank.example: {}"),
    [
      "2:31  `partner.test` is not a trust domain of this file; declare it under `trustDomains`",
      "2:45  `bank.exampel` is not a trust domain of this file; did you mean `bank.example`?",
    ],
  ],
  [
    "a partner twice",
    withDomains("a.example: {federatesWith: [b.example, b.example]}", "b.example: {}"),
    ["2:42  `b.example` stands twice (line 2); write it once"],
  ],
  [
    "a CA that signs before partners can know it",
    withDomain("ttl: {ca: 14m59s, x509Svid: 1m}"),
    [
      "2:25  `ca: 14m59s` is unsafe: partners hear of a new CA a third of that before it signs (4m59s), and need 5 refreshes of 1m (5m); write `ca: 15m` or more",
    ],
  ],
  [
    "a CA of no life",
    withDomain("ttl: {ca: 0s}"),
    [
      "2:25  `ca: 0s` is unsafe: partners hear of a new CA a third of that before it signs (0s), and need 5 refreshes of 1m (5m); write `ca: 15m` or more",
    ],
  ],
  [
    "a CA of eleven years",
    withDomain("ttl: {ca: 96360h}"),
    ["2:25  a CA must not live longer than ten years; write `ca: 24h`"],
  ],
  [
    "an SVID that would be cut short",
    withDomain("ttl: {ca: 75m, x509Svid: 12m31s}"),
    [
      "2:40  `x509Svid: 12m31s` is more than a sixth of `ca: 1h15m` (12m30s): SPIRE Server would cut SVIDs short when it changes its CA; write `x509Svid: 12m30s` or less",
    ],
  ],
  [
    "the default SVID under a short CA",
    withDomain("ttl: {ca: 75m}"),
    [
      "2:25  `x509Svid: 1h` is more than a sixth of `ca: 1h15m` (12m30s): SPIRE Server would cut SVIDs short when it changes its CA; write `x509Svid: 12m30s` or less",
    ],
  ],
  [
    "an SVID longer than SPIRE guarantees",
    withDomain("ttl: {ca: 8760h, x509Svid: 169h}"),
    [
      "2:42  `x509Svid: 169h` is more than 7 days: SPIRE Server would cut SVIDs short when it changes its CA; write `x509Svid: 168h` or less",
    ],
  ],
  [
    "an SVID too short to renew",
    withDomain("ttl: {x509Svid: 9s}"),
    ["2:31  `x509Svid: 9s` is too short to be renewed in time; write `x509Svid: 10s` or more"],
  ],
  [
    "parts of seconds",
    withDomain("ttl: {ca: 24h500ms, x509Svid: 10500ms}"),
    [
      "2:25  SPIRE Server counts `ca` in whole seconds; write `ca: 24h`",
      "2:45  SPIRE Server counts `x509Svid` in whole seconds; write `x509Svid: 10s`",
    ],
  ],
  [
    "`acme` without `https_web`",
    withDomain("bundleEndpoint: {acme: {domain: a.example, email: ops@a.example, acceptTerms: true}}"),
    [
      "2:32  `acme` has no use with `https_spiffe`, whose certificate is an SVID; remove it, or write `profile: https_web`",
    ],
  ],
  [
    "`https_web` without a certificate",
    withDomain("bundleEndpoint: {profile: https_web}"),
    ["2:41  `https_web` needs a certificate of the Web PKI; write `acme:` beside it"],
  ],
  [
    "an external domain of which too much is said",
    withDomains(
      "a.example: {federatesWith: [b.example]}",
      "b.example: {external: {url: 'https://b.example', profile: https_web}, ttl: {}, federatesWith: [a.example]}",
    ),
    [
      "3:73  `ttl` of `b.example` is for those who run it to decide; remove it, or `external`",
      "3:82  `federatesWith` of `b.example` is for those who run it to decide; remove it, or `external`",
    ],
  ],
  [
    "an external domain of which too little is said",
    withDomains("a.example: {}", "b.example: {external: {url: 'https://b.example', profile: https_spiffe}}"),
    [
      "3:15  `https_spiffe` needs `spiffeId`; write `spiffeId: spiffe://b.example/spire/server`",
      "3:15  `https_spiffe` needs `bundle`; write `bundle: partners/partner.json`",
    ],
  ],
  [
    "a call between domains that do not federate, also when an ID is wrong behind its trust domain",
    `trustDomains:
  a.example: { federatesWith: [b.example] }
  b.example: {}
workloads:
  x: { spiffeId: spiffe://a.example//x, app: { node: a.ts }, calls: { y: [GET /] } }
  y: { spiffeId: spiffe://b.example/y, app: { node: a.ts } }
`,
    [
      "5:18  `spiffe://a.example//x` is not a SPIFFE ID: the path must not contain empty segments (`//`); write `spiffe://a.example/x`",
      "5:71  `x` calls `y`, but `b.example` (line 3) does not federate with `a.example`; write `federatesWith: [a.example]` below `b.example`",
    ],
  ],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
