// What of TLS a stranger can see without a certificate: versions and protocols are agreed on before one could be shown.

import type { Attempt } from "../claim.ts";
import { allowedRequest } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { inboundOf } from "../instance/private-mesh.ts";
import { tlsError } from "./certificates.ts";

export const oldProtocol = tlsError(/UNSUPPORTED PROTOCOL/);

export function strangerUpTo(maxVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2"): Attempt<LiveMesh> {
  return {
    tried: `${maxVersion}, without a certificate`,
    run: (mesh) =>
      mesh.network.probe(inboundOf(mesh.callee), { raw: allowedRequest(mesh), minVersion: "TLSv1", maxVersion }),
    expected: oldProtocol,
  };
}

export const strangersProtocol: Attempt<LiveMesh> = {
  tried: "ALPN h2 alone, without a certificate",
  run: (mesh) => mesh.network.offered(inboundOf(mesh.callee), ["h2"]),
  expected: {
    kind: "denied",
    by: "Envoy",
    saw: /^no protocol over TLSv1.3$/,
    control: {
      tried: "h2 and http/1.1",
      run: (mesh) => mesh.network.offered(inboundOf(mesh.callee), ["h2", "http/1.1"]),
      saw: /^http\/1.1 over TLSv1.3$/,
    },
  },
};
