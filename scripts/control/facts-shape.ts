// The shapes of what a controller sends: DomainFacts (observe/facts.ts) and PlanReport (report.ts). A test holds the first
// to the published schema of `./mesh status --json`.

import { dynamicFileNames } from "../render/dynamic.ts";
import { flag, list, number, oneOf, optional, record, text, variants } from "./shape.ts";

const health = record({ state: oneOf("ready", "live", "down"), reason: optional(text) });

const bundle = record({
  digest: text,
  sequence: optional(number),
  refreshHintSeconds: optional(number),
  x509Authorities: optional(number),
});

const svid = { spiffeId: text, serial: text, notBefore: optional(text), notAfter: text, secondsLeft: number };

const sidecar = record({
  workload: text,
  process: text,
  spiffeId: text,
  health,
  svid: optional(record({ ...svid, loadedAt: text, rotations: number, rotationsSince: text })),
  bundles: list(record({ context: text, trustDomains: list(record({ trustDomain: text, digest: text })) })),
  configuration: list(
    record({
      file: oneOf(...dynamicFileNames),
      version: optional(text),
      state: oneOf("in-sync", "behind", "rejected"),
      reason: optional(text),
    }),
  ),
  inbound: optional(
    record({
      handshakes: number,
      requests: number,
      refused: record({
        noCertificate: number,
        verification: number,
        spiffeId: number,
        connection: number,
        rule: number,
      }),
    }),
  ),
});

const end = record({ workload: text, trustDomain: text, spiffeId: text });

const edge = record({
  caller: end,
  callee: end,
  probe: variants("kind", {
    answered: record({ path: text, status: number, ms: number }),
    failed: record({ path: text, reason: text, status: optional(number) }),
    "not-probed": record({}),
  }),
  counters: optional(
    record({
      requests: number,
      responses2xx: number,
      responses5xx: number,
      handshakes: number,
      connectFailures: number,
      refused: number,
    }),
  ),
});

export const domainFactsShape = record({
  version: number,
  trustDomain: text,
  name: text,
  at: text,
  server: record({
    process: text,
    health,
    spiffeId: text,
    bundle: optional(bundle),
    bundleSince: optional(text),
  }),
  agent: record({ process: text, health, spiffeId: text, attested: optional(flag), svid: optional(record(svid)) }),
  controller: record({
    process: text,
    pid: number,
    startedAt: text,
    reconciledAt: optional(text),
    reason: optional(text),
  }),
  partners: list(
    record({
      trustDomain: text,
      bundle: optional(bundle),
      heldSince: optional(text),
      heldSeconds: optional(number),
      reason: optional(text),
    }),
  ),
  sidecars: list(sidecar),
  edges: list(edge),
});

export const planReportShape = record({
  trustDomain: text,
  trust: list(text),
  pending: list(text),
  files: list(record({ sidecar: text, file: oneOf(...dynamicFileNames) })),
});
