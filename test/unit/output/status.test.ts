import { test } from "vitest";

import { assess } from "../../../scripts/control/assess.ts";
import { formatStatus } from "../../../scripts/output/status.ts";
import { bent, readyReport } from "../control/fixtures.ts";
import { tutorialPlan } from "../observe/fixtures.ts";

const plain = (_: unknown, text: string): string => text;

test("a mesh that is ready fits on one screen", ({ expect }) => {
  expect(formatStatus(readyReport(), plain)).toMatchInlineSnapshot(`
    "TRUST DOMAIN         SERVER  AGENT  CONTROLLER  BUNDLE OF            IS       HELD FOR
    broker.example       ready   ready  ready       stockmarket.example  current  31 m 34 s
    stockmarket.example  ready   ready  ready       broker.example       current  25 m 6 s

    SIDECAR         IS     SVID                                         SERIAL         LEFT  ROTATED  BUNDLES              CONFIGURATION
    broker-sidecar  ready  spiffe://broker.example/webapp               707bb01e8fcd…  52 s  72×      stockmarket.example  in sync
    quotes-sidecar  ready  spiffe://stockmarket.example/quotes-service  70a5aeb36133…  41 s  72×      ALL of 2             in sync

    EDGE             PROBE        RESULT          REQUESTS  5XX  PEERS REFUSED
    broker → quotes  GET /quotes  200 in 29.3 ms  6         0    0

    ready: 2 trust domains, 2 sidecars, 1 of 1 edges probed"
  `);
});

test("a mesh that is not ready says first what is wrong and what mends it", ({ expect }) => {
  const domains = bent("stockmarket.example", ({ sidecars }) => ({
    sidecars: sidecars.map(({ workload, process, spiffeId }) => ({
      workload,
      process,
      spiffeId,
      health: { state: "down", reason: "nothing listens on quotes-sidecar's admin socket" },
      bundles: [],
      configuration: [],
    })),
  }));
  expect(formatStatus(assess(tutorialPlan(), domains, []), plain)).toMatchInlineSnapshot(`
    "not ready: 1 problem
    ✗ quotes-sidecar is down: nothing listens on quotes-sidecar's admin socket
      fix: ./mesh restart quotes-sidecar

    TRUST DOMAIN         SERVER  AGENT  CONTROLLER  BUNDLE OF            IS       HELD FOR
    broker.example       ready   ready  ready       stockmarket.example  current  31 m 34 s
    stockmarket.example  ready   ready  ready       broker.example       current  25 m 6 s

    SIDECAR         IS     SVID                                         SERIAL         LEFT  ROTATED  BUNDLES              CONFIGURATION
    broker-sidecar  ready  spiffe://broker.example/webapp               707bb01e8fcd…  52 s  72×      stockmarket.example  in sync
    quotes-sidecar  down   spiffe://stockmarket.example/quotes-service  none                                               unknown

    EDGE             PROBE        RESULT          REQUESTS  5XX  PEERS REFUSED
    broker → quotes  GET /quotes  200 in 29.3 ms  6         0    0"
  `);
});

test("an app that an operator swapped in is named before all else, with the command that returns", ({ expect }) => {
  const swapped = [{ workload: "quotes", app: "examples/quotes-go", back: "./mesh swap quotes --back" }];
  const lines = formatStatus({ ...readyReport(), swapped }, plain).split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "swapped: quotes is served by examples/quotes-go",
    "  what mesh.yaml says: ./mesh swap quotes --back",
    "",
    expect.stringMatching(/^TRUST DOMAIN /),
  ]);
});

test("a trust domain of which nothing is known is shown as unknown, not left out", ({ expect }) => {
  const domains = readyReport().trustDomains.map(({ trustDomain, name }) => ({
    trustDomain,
    name,
    reason: "no answer",
  }));
  expect(formatStatus(assess(tutorialPlan(), domains, []), plain)).toMatchInlineSnapshot(`
    "not ready: 2 problems
    ✗ nothing is known of broker.example: no answer
      fix: ./mesh restart controller-broker
    ✗ nothing is known of stockmarket.example: no answer
      fix: ./mesh restart controller-stockmarket

    TRUST DOMAIN         SERVER   AGENT    CONTROLLER  BUNDLE OF            IS       HELD FOR
    broker.example       unknown  unknown  down        stockmarket.example  unknown
    stockmarket.example  unknown  unknown  down        broker.example       unknown"
  `);
});
