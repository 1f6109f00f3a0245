import { test } from "vitest";

import {
  problemsOf,
  withApp,
  withDomain,
  withDomains,
  withSpiffeId,
  withWorkload,
  withWorkloads,
  type BadInput,
} from "./meshes.ts";

const refused: readonly BadInput[] = [
  [
    "durations",
    withDomain("ttl: {ca: 24 hours, x509Svid: 1.5h}"),
    ["2:25  `24 hours` is not a duration; write `24h`", "2:45  `1.5h` is not a duration; write `10s`, `5m` or `1h30m`"],
  ],
  [
    "durations in days and capitals",
    withDomain("ttl: {ca: 7d, x509Svid: 10M}"),
    ["2:25  `7d` is not a duration; write `168h`", "2:39  `10M` is not a duration; write `10m`"],
  ],
  [
    "units out of order",
    withDomain("ttl: {ca: 30m1h, x509Svid: ''}"),
    [
      "2:25  `30m1h` is not a duration; write `10s`, `5m` or `1h30m`",
      '2:42  `""` is not a duration; write `10s`, `5m` or `1h30m`',
    ],
  ],
  [
    "a name in capitals",
    withWorkloads("Big_Name: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}"),
    [
      "5:3  `Big_Name` is not a name: a name is a lower-case letter, then up to 30 letters, digits and dashes; write `big-name`",
    ],
  ],
  [
    "a name too long",
    withWorkloads(`${"a".repeat(32)}: {spiffeId: spiffe://broker.example/x, app: {node: a.ts}}`),
    [
      "5:3  `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a name: a name is a lower-case letter, then up to 30 letters, digits and dashes; write a name such as `quotes`",
    ],
  ],
  [
    "a domain with scheme",
    withDomains("spiffe://a.example: {}"),
    ["2:3  `spiffe://a.example` is not a trust domain: it stands without `spiffe://`; write `a.example`"],
  ],
  [
    "a domain in capitals",
    withDomains("A.example: {}"),
    ["2:3  `A.example` is not a trust domain: a trust domain must be lower-case; write `a.example`"],
  ],
  [
    "a domain with an empty label, which would be a folder's name",
    withDomains("a.example: {}", "..: {}"),
    ["3:3  `..` is not a trust domain: an empty label stands beside a dot; write `broker.example`"],
  ],
  [
    "a SPIFFE ID without scheme",
    withSpiffeId("webapp"),
    [
      "5:17  `webapp` is not a SPIFFE ID: a SPIFFE ID must begin with `spiffe://`; write `spiffe://broker.example/webapp`",
    ],
  ],
  [
    "a SPIFFE ID with many slips",
    withSpiffeId("SPIFFE://Broker.example:80//x/?q"),
    [
      "5:17  `SPIFFE://Broker.example:80//x/?q` is not a SPIFFE ID: the scheme must be written in lower case, `spiffe://`; write `spiffe://broker.example/x`",
    ],
  ],
  [
    "a SPIFFE ID with a trailing slash",
    withSpiffeId("spiffe://broker.example/x/"),
    [
      "5:17  `spiffe://broker.example/x/` is not a SPIFFE ID: the path must not end with a slash; write `spiffe://broker.example/x`",
    ],
  ],
  [
    "a SPIFFE ID with dot segments",
    withSpiffeId("spiffe://broker.example/../x"),
    [
      "5:17  `spiffe://broker.example/../x` is not a SPIFFE ID: the path must not contain dot segments (`.`, `..`); write `spiffe://broker.example/webapp`",
    ],
  ],
  [
    "a SPIFFE ID with percent-encoding",
    withSpiffeId("spiffe://broker.example/%78"),
    [
      "5:17  `spiffe://broker.example/%78` is not a SPIFFE ID: a SPIFFE ID must not contain percent-encoding (`%`); write `spiffe://broker.example/webapp`",
    ],
  ],
  [
    "a SPIFFE ID that would forge a line",
    withSpiffeId('"spiffe://broker.example/x\\nmesh.yaml:1:1  ok\\e[31m"'),
    [
      "5:17  `spiffe://broker.example/x\\u{a}mesh.yaml:1:1  ok\\u{1b}[31m` is not a SPIFFE ID: path segments may contain letters, digits, dots, dashes and underscores only; write `spiffe://broker.example/webapp`",
    ],
  ],
  [
    "an absolute path",
    withApp("node: /etc/passwd"),
    ["5:56  `/etc/passwd` is not a path inside the folder of this file: it is absolute; write `etc/passwd`"],
  ],
  [
    "a path that leaves the folder",
    withApp("node: apps/../../x.ts"),
    ["5:56  `apps/../../x.ts` is not a path inside the folder of this file: it leaves that folder; write `x.ts`"],
  ],
  [
    "the parent as working directory",
    withApp("node: a.ts, workingDir: .."),
    ["5:74  `..` is not a path inside the folder of this file: it leaves that folder; write `.`"],
  ],
  [
    "an empty path",
    withApp("node: ''"),
    ['5:56  `""` is not a path inside the folder of this file: it is empty; write a path such as `apps/quotes`'],
  ],
  [
    "a home directory",
    withApp("node: ~/a.ts"),
    [
      "5:56  `~/a.ts` is not a path inside the folder of this file: `~` is not expanded; write a path such as `apps/quotes`",
    ],
  ],
  [
    "a path of Windows",
    withApp("node: apps\\a.ts"),
    [
      "5:56  `apps\\a.ts` is not a path inside the folder of this file: it has a backslash or a NUL; write `/` between folders",
    ],
  ],
  [
    "an app that others could reach around its sidecar",
    withApp("node: a.ts, listen: 0.0.0.0:8000"),
    [
      "5:70  `0.0.0.0:8000` is not a loopback address: an app that others can reach around its sidecar is not protected; write `127.0.0.1:8000`",
    ],
  ],
  [
    "a health route without slash",
    withApp("node: a.ts, health: health"),
    ["5:70  `health` is not a path: the path must begin with `/`; write `/health`"],
  ],
  [
    "a health route with a query",
    withApp("node: a.ts, health: /health?full"),
    ["5:70  `/health?full` is not a path: a path is matched without query and fragment; write `/health`"],
  ],
  [
    "a health route with a wildcard",
    withApp("node: a.ts, health: /health/*"),
    ["5:70  `/health/*` is not a path: a path must not contain `*`; write `/health`"],
  ],
  [
    "a port alone",
    withWorkload("app: {node: a.ts}, publish: 8080"),
    ["5:72  `8080` is not an address to listen on: the host is missing; write `127.0.0.1:8080`"],
  ],
  [
    "a host alone",
    withWorkload("app: {node: a.ts}, publish: 127.0.0.1"),
    [
      "5:72  `127.0.0.1` is not an address to listen on: the port must be a number from 1 to 65535; write `127.0.0.1:8080`",
    ],
  ],
  [
    "an address with scheme",
    withWorkload("app: {node: a.ts}, publish: http://127.0.0.1:8080/"),
    [
      "5:72  `http://127.0.0.1:8080/` is not an address to listen on: a scheme or a path has no place in it; write `127.0.0.1:8080`",
    ],
  ],
  [
    "a host name to listen on",
    withWorkload("app: {node: a.ts}, publish: localhost:8080"),
    ["5:72  `localhost:8080` is not an address to listen on: the host must be an IPv4 address; write `127.0.0.1:8080`"],
  ],
  [
    "port 0",
    withWorkload("app: {node: a.ts}, publish: 127.0.0.1:0"),
    [
      "5:72  `127.0.0.1:0` is not an address to listen on: the port must be a number from 1 to 65535; write `127.0.0.1:8080`",
    ],
  ],
  [
    "port 65536",
    withWorkload("app: {node: a.ts}, publish: 127.0.0.1:65536"),
    [
      "5:72  `127.0.0.1:65536` is not an address to listen on: the port must be a number from 1 to 65535; write `127.0.0.1:8080`",
    ],
  ],
  [
    "IPv6",
    withWorkload("app: {node: a.ts}, publish: '[::1]:8080'"),
    ["5:72  `[::1]:8080` is not an address to listen on: the host must be an IPv4 address; write `127.0.0.1:8080`"],
  ],
  [
    "not an IPv4 address",
    withWorkload("app: {node: a.ts}, publish: 127.0.0.256:8080"),
    [
      "5:72  `127.0.0.256:8080` is not an address to listen on: the host must be an IPv4 address; write `127.0.0.1:8080`",
    ],
  ],
  [
    "a multicast address",
    withWorkload("app: {node: a.ts}, publish: 224.0.0.1:8080"),
    ["5:72  `224.0.0.1:8080` is not an address to listen on: the host must be an IPv4 address; write `127.0.0.1:8080`"],
  ],
  [
    "an address with user information",
    withDomain("external: {url: 'https://u:p@partner.example', profile: https_web}"),
    [
      "2:31  `https://u:p@partner.example` is not an HTTPS address: it carries user information; write `https://spire.partner.example:8443`",
      "3:49  `x` cannot have `app`: somebody else runs it; remove it",
    ],
  ],
  [
    "an address without TLS",
    withDomain("external: {url: 'http://partner.example', profile: https_web}"),
    [
      "2:31  `http://partner.example` is not an HTTPS address: the scheme must be `https`; write `https://spire.partner.example:8443`",
      "3:49  `x` cannot have `app`: somebody else runs it; remove it",
    ],
  ],
  [
    "not an address",
    withDomain("external: {url: partner, profile: https_web}"),
    [
      "2:31  `partner` is not an HTTPS address; write `https://spire.partner.example:8443`",
      "3:49  `x` cannot have `app`: somebody else runs it; remove it",
    ],
  ],
];

test.for(refused)("refuses %s", ([, text, problems], { expect }) => {
  expect(problemsOf(text)).toEqual(problems);
});
