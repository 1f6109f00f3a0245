// Schema of DomainFacts (observe/facts.ts), part of the published schema of `./mesh status --json`.

import { Type, type TProperties } from "typebox";

export function text(description: string) {
  return Type.String({ description });
}

function object<T extends TProperties>(description: string, properties: T) {
  return Type.Object(properties, { description });
}

const instant = (description: string) => Type.String({ description: `${description} ISO 8601 in UTC.` });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const reason = Type.Optional(text("Why, as far as it is known."));

const health = object("`down`: no answer; `live`: it runs and is not ready; `ready`: it serves.", {
  state: Type.Union([Type.Literal("ready"), Type.Literal("live"), Type.Literal("down")]),
  reason,
});

const bundle = object("A trust domain's bundle.", {
  digest: text("SHA-256 over the set of X.509 authorities: equal digests are equal trust."),
  sequence: Type.Optional(count("`spiffe_sequence`.")),
  refreshHintSeconds: Type.Optional(count("`spiffe_refresh_hint`.")),
  x509Authorities: Type.Optional(count("How many CA certificates it has.")),
});

const svidProperties = {
  spiffeId: text("The full SPIFFE ID."),
  serial: text("Lower-case hex without leading zeros."),
  notBefore: Type.Optional(instant("Start of its life, where that is known.")),
  notAfter: instant("End of its life."),
  secondsLeft: Type.Integer({ description: "Until then; negative when it has expired." }),
};

const server = object("SPIRE Server.", {
  process: text("Name of the process."),
  health,
  spiffeId: text("What it presents at its bundle endpoint."),
  bundle: Type.Optional(bundle),
  bundleSince: Type.Optional(instant("Since when the controller sees exactly this bundle.")),
});

const agent = object("SPIRE Agent.", {
  process: text("Name of the process."),
  health,
  spiffeId: text("Its own SPIFFE ID."),
  attested: Type.Optional(Type.Boolean({ description: "The server knows it." })),
  svid: Type.Optional(object("Its own SVID.", svidProperties)),
});

const controller = object("The controller that gathered these facts.", {
  process: text("Name of the process."),
  pid: Type.Integer(),
  startedAt: instant("When it started."),
  reconciledAt: Type.Optional(instant("When the server was last found, or made, as planned.")),
  reason: Type.Optional(text("What is not as planned.")),
});

const partner = object("A trust domain that this one federates with.", {
  trustDomain: text("Its DNS name."),
  bundle: Type.Optional(bundle),
  heldSince: Type.Optional(instant("Since when exactly this bundle is held.")),
  heldSeconds: Type.Optional(count("The same as an age.")),
  reason,
});

const file = Type.Union([
  Type.Literal("endpoints.yaml"),
  Type.Literal("policy.yaml"),
  Type.Literal("clusters.yaml"),
  Type.Literal("listeners.yaml"),
]);

const sidecar = object("A sidecar.", {
  workload: text("Whose."),
  process: text("Name of the process."),
  spiffeId: text("The SPIFFE ID that it is meant to hold."),
  health,
  svid: Type.Optional(
    object("The SVID that it holds.", {
      ...svidProperties,
      loadedAt: instant("When the sidecar took it."),
      rotations: count("How often the controller saw it replaced."),
      rotationsSince: instant("Since when it counts."),
    }),
  ),
  bundles: Type.Array(
    object("What its agent gave it to verify peers with.", {
      context: text("The SDS resource: `ALL`, `ROOTCA` or a trust domain's SPIFFE ID."),
      trustDomains: Type.Array(
        object("One trust domain whose certificates it verifies.", {
          trustDomain: text("Its DNS name."),
          digest: text("SHA-256 over the set of X.509 authorities."),
        }),
      ),
    }),
  ),
  configuration: Type.Array(
    object("One dynamic file.", {
      file,
      version: Type.Optional(text("`version_info` that Envoy read last.")),
      state: Type.Union([Type.Literal("in-sync"), Type.Literal("behind"), Type.Literal("rejected")]),
      reason: Type.Optional(text("Envoy's own words for a rejection.")),
    }),
  ),
  inbound: Type.Optional(
    object("Counters since the sidecar started, where somebody calls this workload.", {
      handshakes: count("`ssl.handshake`."),
      requests: count("`http.inbound.downstream_rq_total`."),
      refused: object("Refusals by cause.", {
        noCertificate: count("`ssl.fail_verify_no_cert`."),
        verification: count("`ssl.fail_verify_error`: no chain to a bundle of the SPIFFE ID's trust domain."),
        spiffeId: count("`ssl.fail_verify_san`: a valid SVID of somebody else."),
        connection: count("`ssl.connection_error`: not TLS 1.3, not TLS at all."),
        rule: count("`rbac.denied`: the caller may not use that rule."),
      }),
    }),
  ),
});

const end = object("One end of an edge.", {
  workload: text("Its name."),
  trustDomain: text("Its trust domain."),
  spiffeId: text("Its SPIFFE ID."),
});

const edge = object("A caller may call a callee.", {
  caller: end,
  callee: end,
  probe: Type.Union([
    object("The callee's app answered.", {
      kind: Type.Literal("answered"),
      path: text("Of the GET."),
      status: Type.Integer(),
      ms: Type.Number(),
    }),
    object("The request did not reach the app.", {
      kind: Type.Literal("failed"),
      path: text("Of the GET."),
      reason: text("What failed, and where."),
      status: Type.Optional(Type.Integer()),
    }),
    object("It declares no GET without `*`.", { kind: Type.Literal("not-probed") }),
  ]),
  counters: Type.Optional(
    object("Of the caller's sidecar, since it started.", {
      requests: count("`upstream_rq_total`."),
      responses2xx: count("`upstream_rq_2xx`."),
      responses5xx: count("`upstream_rq_5xx`."),
      handshakes: count("`ssl.handshake`."),
      connectFailures: count("`upstream_cx_connect_fail`."),
      refused: count("Callees that the caller refused: `ssl.fail_verify_error` and `ssl.fail_verify_san`."),
    }),
  ),
});

export const domainFacts = object("What the trust domain's controller knows. What is absent is unknown.", {
  version: Type.Literal(1),
  trustDomain: text("Its DNS name."),
  name: text("Its short name."),
  at: instant("When the controller looked."),
  server,
  agent,
  controller,
  partners: Type.Array(partner),
  sidecars: Type.Array(sidecar),
  edges: Type.Array(edge),
});
