import * as fc from "fast-check";
import { test } from "vitest";

import { formatAddress, parseAddress } from "../../../../apps/plugins/address.ts";
import { readEnvironment } from "../../../../apps/plugins/environment.ts";

test.for([
  ["unix:/run/mesh/app.sock", { socket: "/run/mesh/app.sock" }],
  ["unix:/with space/a.sock", { socket: "/with space/a.sock" }],
  ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
  ["localhost:65535", { host: "localhost", port: 65_535 }],
  ["[::1]:80", { host: "::1", port: 80 }],
] as const)("reads %s", ([text, address], { expect }) => {
  expect(parseAddress(text)).toEqual({ ok: true, address });
  expect(formatAddress(address)).toBe(text);
});

test.for([
  "",
  "8080",
  ":8080",
  "localhost",
  "localhost:",
  "localhost:0",
  "localhost:65536",
  "localhost:080808",
  "localhost:http",
  "::1:80",
  "http://localhost:80",
  "unix:relative.sock",
  "unix:",
  "unix:/nul\0",
  `unix:/${"x".repeat(107)}`,
  "localhost:80\n",
])("refuses %j", (text, { expect }) => {
  expect(parseAddress(text)).toMatchObject({ ok: false });
});

test("takes a socket path of 107 bytes, counted as bytes", ({ expect }) => {
  expect(parseAddress(`unix:/${"x".repeat(106)}`)).toMatchObject({ ok: true });
  expect(parseAddress(`unix:/${"é".repeat(54)}`)).toMatchObject({ ok: false });
});

test("writes every address it reads as it was", ({ expect }) => {
  fc.assert(
    fc.property(fc.domain(), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
      const parsed = parseAddress(`${host}:${port}`);
      expect(parsed.ok && formatAddress(parsed.address)).toBe(`${host}:${port}`);
    }),
    { numRuns: 50 },
  );
});

test("reads LISTEN and the upstreams the app asks for, and no others", ({ expect }) => {
  const variables = { LISTEN: "unix:/a.sock", UPSTREAM_FX_RATES: "localhost:80", UPSTREAM_OTHER: "nonsense" };
  expect(readEnvironment(variables, ["fx-rates"])).toEqual({
    ok: true,
    environment: { listen: { socket: "/a.sock" }, upstreams: { "fx-rates": { host: "localhost", port: 80 } } },
  });
});

test("names every variable that is missing or wrong", ({ expect }) => {
  expect(readEnvironment({ UPSTREAM_QUOTES: "unix:quotes.sock" }, ["quotes"])).toEqual({
    ok: false,
    problems: [
      "LISTEN is not set: it must be unix:/path or host:port",
      "UPSTREAM_QUOTES=unix:quotes.sock is not an address: the path after unix: must be absolute",
    ],
  });
});
