import { test } from "vitest";

import type { Process } from "../../../scripts/plan/plan.ts";
import { buildEnvironment, toSpec } from "../../../scripts/runtime/specs.ts";
import { isRequest } from "../../../scripts/runtime/supervisor/request.ts";

const quotes: Process = {
  name: "quotes",
  role: "app",
  trustDomain: "stockmarket.example",
  workload: "quotes",
  user: { uid: 601_009, gid: 601_009, groups: [601_010, 601_011] },
  command: ["./quotes", "--fast"],
  env: { PATH: "/usr/bin", LISTEN: "unix:/run/mesh-x/quotes/app.sock" },
  workingDir: "/srv/quotes",
  build: ["go", "build"],
  files: [],
  sockets: ["/run/mesh-x/quotes/app.sock"],
  listens: [],
  after: [{ process: "spire-agent-stockmarket", until: "ready" }],
  ready: { kind: "http-unix", socket: "/run/mesh-x/quotes/app.sock", path: "/health" },
};

const context = {
  logDir: "/logs",
  setpriv: "/usr/bin/setpriv",
  meshGroup: 601_999,
  buildEnv: { PATH: "/opt/go/bin", HOME: "/home" },
};

test("as root a process gets its user and groups, and no capability now or later", ({ expect }) => {
  expect(toSpec(quotes, context).command).toEqual([
    "/usr/bin/setpriv",
    "--reuid=601009",
    "--regid=601009",
    "--groups=601010,601011,601999",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "--no-new-privs",
    "--pdeathsig=KILL",
    "--",
    "./quotes",
    "--fast",
  ]);
});

test("a process without other groups has its mesh's and no more", ({ expect }) => {
  const alone = { ...quotes, user: { ...quotes.user, groups: [] } };
  expect(toSpec(alone, context).command).toContain("--groups=601999");
});

test("without root a process keeps the user, gains nothing and dies with the supervisor", ({ expect }) => {
  expect(toSpec(quotes, { ...context, meshGroup: undefined }).command).toEqual([
    "/usr/bin/setpriv",
    "--no-new-privs",
    "--pdeathsig=KILL",
    "--",
    "./quotes",
    "--fast",
  ]);
});

test("a process sees its own environment only, its build a compiler's too", ({ expect }) => {
  const { env, build } = toSpec(quotes, context);
  expect(env).toEqual(quotes.env);
  expect(build?.env).toEqual({ ...quotes.env, PATH: "/opt/go/bin", HOME: "/home" });
  expect(
    buildEnvironment({ PATH: "/bin", AWS_SECRET_ACCESS_KEY: "x", HTTPS_PROXY: "http://proxy" }, "/home/me"),
  ).toEqual({ PATH: "/bin", HTTPS_PROXY: "http://proxy", HOME: "/home/me" });
});

test("another PATH of whoever types the command restarts nothing, another command does", ({ expect }) => {
  const { fingerprint } = toSpec(quotes, context);
  expect(toSpec(quotes, { ...context, buildEnv: {} }).fingerprint).toBe(fingerprint);
  expect(toSpec({ ...quotes, command: ["./quotes"] }, context).fingerprint).not.toBe(fingerprint);
});

test("the supervisor takes the specs that the runtime makes, and nothing else", ({ expect }) => {
  const spec = toSpec(quotes, context);
  expect(isRequest(JSON.parse(JSON.stringify({ op: "start", specs: [spec] })))).toBe(true);
  expect(isRequest({ op: "start", specs: [{ ...spec, command: "sh -c true" }] })).toBe(false);
  expect(isRequest({ op: "exec", command: ["true"] })).toBe(false);
  expect(isRequest({ op: "stop", names: ["quotes"] })).toBe(false);
  expect(isRequest(null)).toBe(false);
});
