// The schema of a trust domain.

import { Type } from "typebox";

import { namePattern } from "../syntax.ts";
import { closed, domainPattern, duration, httpsUrl, listenAddress, pathInFolder, spiffeId, text } from "./parts.ts";

const profile = (description: string) =>
  Type.Enum(["https_spiffe", "https_web"], { description, examples: ["https_spiffe"] });

const ttl = Type.Object(
  {
    ca: Type.Optional(duration("Life of the trust domain's CA certificate; at least 15m, 24h unless given.", "24h")),
    x509Svid: Type.Optional(
      duration("Life of a workload's X.509-SVID; 10s to a sixth of `ca`, 1h unless given.", "1h"),
    ),
  },
  { ...closed, description: "How long certificates live.", examples: [{ ca: "24h", x509Svid: "1h" }] },
);

const acme = Type.Object(
  {
    domain: text("dns-name", {
      description: "DNS name the certificate is for.",
      examples: ["spire.broker.example"],
    }),
    email: text("email", { description: "Contact of the ACME account.", examples: ["ops@broker.example"] }),
    acceptTerms: Type.Literal(true, { description: "You accept the terms of the ACME service.", examples: [true] }),
    directory: Type.Optional(
      httpsUrl("Directory of the ACME service; Let's Encrypt unless given.", "https://acme.example/directory"),
    ),
  },
  {
    ...closed,
    description: "How an `https_web` endpoint gets its certificate.",
    examples: [{ domain: "spire.broker.example", email: "ops@broker.example", acceptTerms: true }],
  },
);

const bundleEndpoint = Type.Object(
  {
    profile: Type.Optional(
      profile("How partners authenticate the endpoint: by its SVID (`https_spiffe`, the default) or by Web PKI."),
    ),
    acme: Type.Optional(acme),
    expose: Type.Optional(
      Type.Object(
        {
          listen: listenAddress("Address of this machine the endpoint listens on.", "0.0.0.0:8443"),
          url: httpsUrl("Where partners reach it.", "https://spire.broker.example:8443"),
        },
        {
          ...closed,
          description: "Makes the endpoint reachable by partners outside this mesh.",
          examples: [{ listen: "0.0.0.0:8443", url: "https://spire.broker.example:8443" }],
        },
      ),
    ),
  },
  {
    ...closed,
    description: "Where this trust domain serves its bundle: https_spiffe on port 8443, inside the mesh, unless given.",
    examples: [{ profile: "https_spiffe" }],
  },
);

const external = Type.Object(
  {
    url: httpsUrl("The partner's bundle endpoint.", "https://spire.partner.example:8443"),
    profile: profile("How its endpoint is authenticated."),
    spiffeId: Type.Optional(
      spiffeId("SPIFFE ID of an `https_spiffe` endpoint.", "spiffe://partner.example/spire/server"),
    ),
    bundle: Type.Optional(
      pathInFolder("The partner's bundle document, as it was introduced.", "partners/partner.json"),
    ),
  },
  {
    ...closed,
    description: "A trust domain that somebody else runs: nothing is started for it.",
    examples: [{ url: "https://spire.partner.example:8443", profile: "https_spiffe" }],
  },
);

export const trustDomain = Type.Object(
  {
    name: Type.Optional(
      text("name", {
        description: "Short name in process names (`spire-server-<name>`); the domain's first label unless given.",
        examples: ["stockmarket"],
        pattern: namePattern,
      }),
    ),
    federatesWith: Type.Optional(
      Type.Array(
        text("trust-domain", {
          description: "A trust domain of this file.",
          examples: ["stockmarket.example"],
          pattern: domainPattern,
        }),
        {
          description: "Trust domains whose bundles this one fetches. A call across domains needs it on both sides.",
          examples: [["stockmarket.example"]],
        },
      ),
    ),
    ttl: Type.Optional(ttl),
    bundleEndpoint: Type.Optional(bundleEndpoint),
    external: Type.Optional(external),
  },
  { ...closed, description: "One trust domain, with its own SPIRE Server.", examples: [{}] },
);
