// D1–D7: an admitted caller asks for what it may not have, under every name that could pass for what it may.

import type { Attempt, Claim, Refused } from "../claim.ts";
import { requestsIn } from "../instance/app-witness.ts";
import { below } from "../instance/prepared-plan.ts";
import { askingForMore } from "./callers-doors.ts";
import { own, policy } from "./certificates.ts";
import {
  canonical,
  madeInto,
  malformed,
  noRoute,
  noSuchPath,
  path,
  protocolError,
  received,
  requestTo,
  send,
  sending,
} from "./requests.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";

type Target = string | ((mesh: LiveMesh) => string);

function asking(tried: string, target: Target, expected: Claim["attempts"][number]["expected"]) {
  const of = (mesh: LiveMesh): string => (typeof target === "string" ? target : target(mesh));
  return sending(tried, (mesh) => requestTo(mesh, { target: of(mesh) }), expected);
}

function by(method: string, expected: Refused, target?: Target) {
  return sending(
    target === undefined ? method : `${method} ${typeof target === "string" ? target : "of an authority"}`,
    (mesh) =>
      requestTo(mesh, {
        method,
        ...(target === undefined ? {} : { target: typeof target === "string" ? target : target(mesh) }),
      }),
    expected,
  );
}

/** `/%71uotes` for `/quotes`. */
function encoded(mesh: LiveMesh): string {
  return `/%${path(mesh).charCodeAt(1).toString(16)}${path(mesh).slice(2)}`;
}

/** By a caller that may have everything below a path. */
function askingBelow(tried: string, rest: string, expected: Claim["attempts"][number]["expected"]): Attempt {
  return {
    tried,
    expected,
    run: async (mesh) =>
      send(mesh, requestTo(mesh, { target: `${below}${rest}` }), {
        shown: await own(mesh).issue({ uris: [mesh.longestId] }),
      }),
  };
}

const sameRequest = canonical("read as the allowed path, by the policy and the app alike: the app gets it normalised");
const underscore: Refused = {
  ...protocolError(/^http1.unexpected underscore$/),
  counter: "http1.requests_rejected_with_underscores_in_headers",
};

export const httpAuthorisation: readonly Claim[] = [
  {
    id: "D1",
    title: "an admitted caller gets what its rules say, and nothing else",
    clause: "Envoy, RBAC filter",
    attempts: [
      by("POST", policy),
      by("DELETE", policy),
      by("TRACE", policy),
      asking("GET /", "/", policy),
      asking("GET /admin", "/admin", policy),
      asking("one segment more", (mesh) => `${path(mesh)}/admin`, policy),
    ],
    live: [askingForMore("/nobody/has/this")],
  },
  {
    id: "D2",
    title: "slashes and dots reach no other path",
    clause: "RFC 3986 6; CVE-2021-29492, CVE-2026-26205",
    attempts: [
      asking("//admin", "//admin", policy),
      asking("/./admin", "/./admin", policy),
      asking("/x/../admin", "/x/../admin", policy),
      asking("below the allowed path and up again", (mesh) => `${path(mesh)}/../admin`, policy),
      asking("above the root", "/..", policy),
      asking("// before the allowed path", (mesh) => `/${path(mesh)}`, sameRequest),
      asking("/. before it", (mesh) => `/.${path(mesh)}`, sameRequest),
      asking("/x/.. before it", (mesh) => `/x/..${path(mesh)}`, sameRequest),
      asking("above the root and down to it", (mesh) => `/../..${path(mesh)}`, sameRequest),
    ],
  },
  {
    id: "D3",
    title: "percent-encoding and backslashes reach no other path",
    clause: "RFC 3986 6.2.2; CVE-2021-29492",
    attempts: [
      asking("/%61dmin", "/%61dmin", policy),
      asking("/x/%2e%2e/admin", "/x/%2e%2e/admin", policy),
      asking("/x%2f..%2fadmin", "/x%2f..%2fadmin", noSuchPath),
      asking("%2F before the allowed path", (mesh) => `/x%2F..${path(mesh)}`, noSuchPath),
      asking("/%5cadmin", "/%5cadmin", noSuchPath),
      asking(String.raw`\admin`, String.raw`\admin`, malformed),
      asking(String.raw`/x\..\admin`, String.raw`/x\..\admin`, policy),
      asking("encoded twice", "/x%252f..%252fadmin", policy),
      asking("the allowed path, a letter encoded", encoded, sameRequest),
      asking("/x/%2e%2e before it", (mesh) => `/x/%2e%2e${path(mesh)}`, sameRequest),
      asking(String.raw`/x\.. before it`, (mesh) => String.raw`/x\..${path(mesh)}`, sameRequest),
    ],
  },
  {
    id: "D4",
    title: "path parameters reach no other path",
    clause: "CVE-2026-73511, CVE-2026-73553",
    attempts: [
      asking("/admin;x=1", "/admin;x=1", policy),
      asking("/x;/../admin", "/x;/../admin", policy),
      asking("the allowed path with a parameter", (mesh) => `${path(mesh)};x=1`, policy),
      asking("below it, /..;/admin", (mesh) => `${path(mesh)}/..;/admin`, policy),
      ...["..;", "..;x=1", "%2e%2e;", ".%2E;x=1", "%2e.;/%2e.;", String.raw`\%2e%2e;`, "..%3b", "%2e%2e%3Bx"].map(
        (up) => askingBelow(`up from where everything below is allowed, by ${up}`, `x/../${up}/admin`, policy),
      ),
      askingBelow(
        "a way up in the query, which may be one to an app that reads it otherwise",
        "x?y=/..;/admin",
        policy,
      ),
      askingBelow("a parameter there", "a;v=1/b", {
        kind: "admitted",
        why: "it leads nowhere else: the app gets it as it is",
        received: (all) =>
          requestsIn(all).join() === `GET ${below}a;v=1/b` ? undefined : `the app received ${requestsIn(all).join()}`,
      }),
      asking("/x;y/.. before it", (mesh) => `/x;y/..${path(mesh)}`, sameRequest),
      asking("/x/..; before it", (mesh) => `/x/..;${path(mesh)}`, sameRequest),
    ],
  },
  {
    id: "D5",
    title: "nothing behind a path, and no other case, changes what it is",
    clause: "RFC 9110 4.2.3; RFC 3986 6.2.2.1",
    attempts: [
      asking("/admin?", "/admin?", policy),
      asking("/admin#x", "/admin#x", noSuchPath),
      asking("/ADMIN", "/ADMIN", policy),
      asking("the allowed path in capitals", (mesh) => path(mesh).toUpperCase(), policy),
      asking("with a slash behind", (mesh) => `${path(mesh)}/`, policy),
      asking("with %00 behind", (mesh) => `${path(mesh)}%00`, noSuchPath),
      asking("with %20 behind", (mesh) => `${path(mesh)}%20`, policy),
      asking("with %ff behind", (mesh) => `${path(mesh)}%ff`, policy),
      asking("with a byte behind that is no UTF-8", (mesh) => `${path(mesh)}\xFF`, malformed),
      asking("with a fragment", (mesh) => `${path(mesh)}#x`, noSuchPath),
      asking("a path with a space", (mesh) => `${path(mesh)} x`, malformed),
      asking("with a tab behind", (mesh) => `${path(mesh)}\t`, sameRequest),
      asking(
        "with a query that looks like a path",
        (mesh) => `${path(mesh)}?x=/../admin//b;c%2f`,
        madeInto("the query is the app's: a rule for one path does not look at it", (mesh) =>
          received(mesh, { target: `${path(mesh)}?x=/../admin//b;c%2f` }),
        ),
      ),
    ],
  },
  {
    id: "D6",
    title: "no other form of request, and no other method, passes by the rules",
    clause: "RFC 9112 3.2",
    attempts: [
      asking("an absolute URI of another host", "http://other.example/admin", policy),
      asking("with the allowed path", (mesh) => `http://other.example${path(mesh)}`, noRoute),
      asking("a path without its slash", (mesh) => path(mesh).slice(1), malformed),
      asking("GET *", "*", protocolError(/^http1.invalid url$/)),
      by("CONNECT", policy, ({ edge }) => `${edge.callee}:443`),
      by("CONNECT", protocolError(/^http1.invalid url$/), "/admin"),
      by(
        "OPTIONS",
        {
          kind: "refused",
          by: "inbound",
          counter: "inbound: http.downstream_rq_non_relative_path",
          reason: /^absolute path rejected$/,
          status: [404],
        },
        "*",
      ),
      by("get", malformed),
      by("GETT", malformed),
    ],
  },
  {
    id: "D7",
    title: "no header takes part in the decision, and no second spelling of one passes",
    clause: "CVE-2026-26308, CVE-2026-73552; Envoy, edge best practices",
    attempts: [
      sending("x_role", (mesh) => requestTo(mesh, { headers: "x_role: admin\r\n" }), underscore),
      sending(
        "x_forwarded_client_cert",
        (mesh) => requestTo(mesh, { headers: `x_forwarded_client_cert: URI=${mesh.callee.spiffeId}\r\n` }),
        underscore,
      ),
      sending(
        "a header twice, one of bytes that are no UTF-8",
        (mesh) => requestTo(mesh, { headers: "x-role: user\r\nx-role: \xFF\xFEadmin\r\n" }),
        canonical(
          "the policy reads the certificate, the method and the path: RBAC's header rules are not used",
          "x-role: user\r\nx-role: \xFF\xFEadmin\r\n",
        ),
      ),
      sending(
        "x-http-method-override and x-original-url",
        (mesh) =>
          requestTo(mesh, {
            target: "/admin",
            headers: `x-http-method-override: GET\r\nx-original-url: ${path(mesh)}\r\n`,
          }),
        policy,
      ),
    ],
  },
];
