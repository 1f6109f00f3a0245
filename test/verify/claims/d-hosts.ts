// D12, D13: another service's name, or another scheme, chooses neither a virtual host nor a rule.

import type { Attempt, Claim, Refused } from "../claim.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { probePlain } from "../instance/probe.ts";
import { callingOut, openingPage } from "./callers-doors.ts";
import { canonical, invalidCharacters, noHost, noRoute, path, protocolError, requestTo, sending } from "./requests.ts";

function withHost(tried: string, host: string | ((mesh: LiveMesh) => string), expected: Attempt["expected"]): Attempt {
  return sending(tried, (mesh) => requestTo(mesh, { host: typeof host === "string" ? host : host(mesh) }), expected);
}

function withUri(tried: string, uri: (mesh: LiveMesh) => string, expected: Attempt["expected"]): Attempt {
  return sending(tried, (mesh) => requestTo(mesh, { target: uri(mesh) }), expected);
}

const oneService = canonical("the name is the service's own, and the app gets it alone");
const noScheme = canonical("the scheme chooses nothing; the app is told https, which is what was spoken");

const fromElsewhere = "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
const notThisPage: Refused<LiveMesh> = { ...noRoute, by: "outbound", counter: "published: http.no_route" };

export const hosts: readonly Claim[] = [
  {
    id: "D12",
    title: "no Host but the service's own leads anywhere",
    clause: "RFC 9112 3.2; CVE-2024-32475",
    attempts: [
      withHost("another service's", "host: admin\r\n", noRoute),
      withHost("none", "", noHost),
      withHost("an empty one", "host:\r\n", noRoute),
      withHost("two", ({ edge }) => `host: ${edge.callee}\r\nhost: admin\r\n`, noRoute),
      withHost("two, the other way round", ({ edge }) => `host: admin\r\nhost: ${edge.callee}\r\n`, noRoute),
      withHost("two in one", ({ edge }) => `host: ${edge.callee},admin\r\n`, noRoute),
      withHost(
        "two in one, with a space",
        ({ edge }) => `host: ${edge.callee}, admin\r\n`,
        protocolError(/^http.invalid authority$/),
      ),
      withHost("with a port", ({ edge }) => `host: ${edge.callee}:9443\r\n`, noRoute),
      withHost("with a full stop behind", ({ edge }) => `host: ${edge.callee}.\r\n`, noRoute),
      withHost("with a user before", ({ edge }) => `host: admin@${edge.callee}\r\n`, noRoute),
      withHost("with NUL behind", ({ edge }) => `host: ${edge.callee}\0\r\n`, invalidCharacters),
      withHost("of 256 bytes", `host: ${"a".repeat(256)}\r\n`, noRoute),
      withUri("in the URI, another than in Host", (mesh) => `http://admin${path(mesh)}`, noRoute),
      sending(
        "in Host, another than in the URI",
        (mesh) => requestTo(mesh, { target: `http://${mesh.edge.callee}${path(mesh)}`, host: "host: admin\r\n" }),
        oneService,
      ),
      callingOut(
        "by the caller's own app, another service's",
        (mesh) => requestTo(mesh, { host: "host: admin\r\n" }),
        canonical("the socket alone chooses the callee: the caller's sidecar writes Host"),
      ),
      openingPage("at the caller's page, another site's", fromElsewhere, notThisPage),
    ],
    live: [
      {
        tried: "at the caller's page, another site's",
        run: ({ caller }) => probePlain(caller.published ?? { host: "", port: 0 }, fromElsewhere),
        notHere: ({ caller }) => (caller.published === undefined ? "this caller has no page" : undefined),
        expected: notThisPage,
      },
    ],
  },
  {
    id: "D13",
    title: "no scheme leads anywhere else",
    clause: "CVE-2023-35944; RFC 9110 4.2",
    attempts: [
      withUri("https://", (mesh) => `https://${mesh.edge.callee}${path(mesh)}`, noScheme),
      withUri("hTTp://", (mesh) => `hTTp://${mesh.edge.callee}${path(mesh)}`, noScheme),
      withUri("with a user", (mesh) => `http://admin@${mesh.edge.callee}${path(mesh)}`, noScheme),
      withUri("ftp://", (mesh) => `ftp://${mesh.edge.callee}${path(mesh)}`, protocolError(/^http1.invalid scheme$/)),
      withUri("file:///", () => "file:///etc/passwd", protocolError(/^http1.invalid (scheme|url)$/)),
    ],
  },
];
