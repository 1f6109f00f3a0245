// Every claim, in the order of the matrix.

import type { Claim } from "../claim.ts";
import { tlsProtocol } from "./c-tls.ts";
import { hostileCallee } from "./c-hostile-callee.ts";
import { chains } from "./a-chains.ts";
import { certificateProfile } from "./a-certificates.ts";
import { identities } from "./a-identities.ts";
import { idConfusion } from "./b-id-confusion.ts";
import { httpAuthorisation } from "./d-http-authorisation.ts";
import { headers } from "./d-headers.ts";
import { hosts } from "./d-hosts.ts";
import { framing } from "./e-framing.ts";
import { hostileApp } from "./e-hostile-app.ts";
import { smuggling } from "./e-smuggling.ts";
import { connections } from "./f-connections.ts";
import { denialOfService } from "./f-denial-of-service.ts";
import { http2Floods } from "./f-http2.ts";
import { slowness } from "./f-slowness.ts";
import { clientAuthentication } from "./a-client-authentication.ts";
import { aroundTheProxy } from "./g-around-the-proxy.ts";

export function loadClaims(): readonly Claim[] {
  return [
    ...clientAuthentication,
    ...identities,
    ...certificateProfile,
    ...chains,
    ...idConfusion,
    ...tlsProtocol,
    ...hostileCallee,
    ...httpAuthorisation,
    ...headers,
    ...hosts,
    ...framing,
    ...smuggling,
    ...hostileApp,
    ...denialOfService,
    ...connections,
    ...slowness,
    ...http2Floods,
    ...aroundTheProxy,
  ];
}
