import { test } from "vitest";

import {
  good,
  problemsOf,
  withApp,
  withCalls,
  withSpiffeId,
  withWorkload,
  withWorkloads,
  type BadInput,
} from "./meshes.ts";

const refused: readonly BadInput[] = [
  [
    "an image with what it brings itself",
    withApp("image: a, workingDir: apps, build: [make]"),
    [
      "5:60  `workingDir` does not apply to `image`, which is run as it is; remove it",
      "5:78  `build` does not apply to `image`, which is run as it is; remove it",
    ],
  ],
  [
    "a trust domain misspelt",
    withSpiffeId("spiffe://brokr.example/x"),
    ["5:17  `brokr.example` is not a trust domain of this file; did you mean `broker.example`?"],
  ],
  [
    "a trust domain nobody declared",
    withSpiffeId("spiffe://bank.example/x"),
    ["5:17  `bank.example` is not a trust domain of this file; declare it under `trustDomains`"],
  ],
  [
    "a SPIFFE ID without a path",
    withSpiffeId("spiffe://broker.example"),
    ["5:17  `spiffe://broker.example` names the trust domain, not a workload; write `spiffe://broker.example/x`"],
  ],
  [
    "a SPIFFE ID that SPIRE keeps for itself",
    withSpiffeId("spiffe://broker.example/spire/server"),
    ["5:17  SPIFFE IDs under `/spire` belong to SPIRE Servers and Agents; write `spiffe://broker.example/x`"],
  ],
  [
    "two workloads with one ID",
    withWorkloads(
      "x: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}",
      "y: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}",
    ),
    ["6:17  `x` has this SPIFFE ID already (line 5); write another path"],
  ],
  [
    "no app",
    withWorkloads("x: {spiffeId: spiffe://broker.example/x}"),
    ["5:3  `x` has no `app`; write `app: {node: apps/quotes/server.ts}` below it"],
  ],
  [
    "an app that does not say how it is run",
    withApp("workingDir: a"),
    ["5:44  `app` does not say how it is run; write `node`, `command` or `image` below it"],
  ],
  [
    "an app that says it twice",
    withApp("node: a.ts, command: [./a]"),
    ["5:44  `app` has `node` and `command`; write one of `node`, `command` or `image`"],
  ],
  [
    "an app that says it thrice",
    withApp("node: a.ts, command: [./a], image: a"),
    ["5:44  `app` has `node`, `command` and `image`; write one of `node`, `command` or `image`"],
  ],
  [
    "a command without a program",
    withApp("command: ['', a]"),
    ["5:60  the first word of `command` is empty; write the program"],
  ],
  [
    "the address of a workload that runs here",
    withWorkload("app: {node: a.ts}, address: a.example:9443"),
    ["5:63  `x` cannot have `address`: this mesh runs it; remove it"],
  ],
  [
    "an app named like a sidecar",
    withWorkloads(
      "x-sidecar: {spiffeId: spiffe://broker.example/y, app: {node: a.ts}}",
      "x: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}",
    ),
    [
      "6:3  the sidecar of `x` and the app of `x-sidecar` (line 5) would both be the process `x-sidecar`; write another name",
    ],
  ],
  [
    "apps named like SPIRE's processes",
    withWorkloads(
      "spire-server-broker: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}",
      "controller-stockmarket: {spiffeId: spiffe://broker.example/y, app: {node: a.ts}}",
    ),
    [
      "5:3  the app of `spire-server-broker` and the SPIRE Server of `broker.example` (line 2) would both be the process `spire-server-broker`; write another name",
      "6:3  the app of `controller-stockmarket` and the controller of `stockmarket.example` (line 3) would both be the process `controller-stockmarket`; write another name",
    ],
  ],
  [
    "names the mesh keeps",
    withWorkloads("config: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}"),
    ["5:3  the mesh keeps the name `config` for itself; write another name"],
  ],
  [
    "an address published twice",
    withWorkloads(
      "x: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}, publish: 127.0.0.1:8080}",
      "y: {spiffeId: spiffe://broker.example/y, app: {node: a.ts}, publish: 127.0.0.1:8080}",
    ),
    ["6:72  `127.0.0.1:8080` is taken by `publish` of `x` (line 5); write another port"],
  ],
  [
    "an address published beside every address",
    withWorkloads(
      "x: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}, publish: 127.0.0.1:8080}",
      "y: {spiffeId: spiffe://broker.example/y, app: {node: a.ts}, publish: 0.0.0.0:8080}",
    ),
    ["6:72  `0.0.0.0:8080` is taken by `publish` of `x` (line 5, `127.0.0.1:8080`); write another port"],
  ],
  [
    "an app where its sidecar publishes",
    withWorkload("app: {node: a.ts, listen: 127.0.0.1:8080}, publish: 127.0.0.1:8080"),
    ["5:70  `127.0.0.1:8080` is taken by `publish` of `x` (line 5); write another port"],
  ],
  [
    "a callee misspelt",
    withCalls("{quots: [GET /quotes]}"),
    ["5:81  `quots` is not a workload of this file; did you mean `quotes`?"],
  ],
  [
    "a callee nobody declared",
    withCalls("{ledger: [GET /entries]}"),
    ["5:81  `ledger` is not a workload of this file; declare it under `workloads`"],
  ],
  [
    "a workload that calls itself",
    withCalls("{broker: [GET /]}"),
    ["5:81  `broker` calls itself; remove it: an app needs no sidecar to reach itself"],
  ],
  [
    "one-sided federation: the callee could not verify the caller",
    good.replace("{federatesWith: [broker.example]}", "{}"),
    [
      "5:81  `broker` calls `quotes`, but `stockmarket.example` (line 3) does not federate with `broker.example`; write `federatesWith: [broker.example]` below `stockmarket.example`",
    ],
  ],
  [
    "one-sided federation: the caller could not verify the callee",
    good.replace("{federatesWith: [stockmarket.example]}", "{}"),
    [
      "5:81  `broker` calls `quotes`, but `broker.example` (line 2) does not federate with `stockmarket.example`; write `federatesWith: [stockmarket.example]` below `broker.example`",
    ],
  ],
  [
    "no federation at all",
    good.replaceAll(/\{federatesWith: .*\}/g, "{}"),
    [
      "5:81  `broker` calls `quotes`, but `broker.example` (line 2) does not federate with `stockmarket.example`, and `stockmarket.example` (line 3) does not federate with `broker.example`; write `federatesWith: [stockmarket.example]` below `broker.example` and write `federatesWith: [broker.example]` below `stockmarket.example`",
    ],
  ],
  [
    "federation with others only",
    good.replace("[broker.example]", "[bank.example]").replace("workloads:", "  bank.example: {}\nworkloads:"),
    [
      "6:81  `broker` calls `quotes`, but `stockmarket.example` (line 3) does not federate with `broker.example`; write `federatesWith: [bank.example, broker.example]` below `stockmarket.example`",
    ],
  ],
  [
    "a timeout too long",
    withCalls("{quotes: {allow: [GET /quotes], timeout: 4m1ms}}"),
    ["5:121  a timeout of 4m1ms is not between 1ms and 4m; write `timeout: 15s`"],
  ],
  [
    "no time at all",
    withCalls("{quotes: {allow: [GET /quotes], timeout: 0s}}"),
    ["5:121  a timeout of 0s is not between 1ms and 4m; write `timeout: 15s`"],
  ],
  [
    "names too long for the socket between them",
    withWorkloads(
      `${"a".repeat(24)}: {spiffeId: spiffe://broker.example/a, app: {node: a.ts}, calls: {${"b".repeat(25)}: [GET /]}}`,
      `${"b".repeat(25)}: {spiffeId: spiffe://broker.example/b, app: {node: a.ts}}`,
    ),
    [
      "5:94  the names `aaaaaaaaaaaaaaaaaaaaaaaa` and `bbbbbbbbbbbbbbbbbbbbbbbbb` are too long for the path of the socket between them; write names of 48 characters together, at most",
    ],
  ],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
