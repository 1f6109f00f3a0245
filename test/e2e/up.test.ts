// `./mesh up`: quotes that crossed two sidecars and two trust domains, and what can be seen of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Ajv } from "ajv";

import { until } from "../../scripts/wait.ts";
import { checkoutDir } from "./checkout.ts";
import { lastingProcesses, privateKeys, whatIsShown } from "./inside.ts";
import { meshTest } from "./mesh.ts";
import { json, quotesFlow, quotesOf } from "./place.ts";

const test = meshTest();

/** What is wrong with a value by a schema of docs/schemas. */
function shapeProblems(name: string, value: object): string[] {
  const schema: object = JSON.parse(readFileSync(join(checkoutDir, "docs/schemas", name), "utf8"));
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
  ajv.validate(schema, value);
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test("eleven quotes cross from stockmarket.example to broker.example", async ({ mesh, expect }) => {
  const { quotes, hop } = await quotesFlow(mesh, 5000);
  expect(quotes.map(({ symbol }) => symbol)).toEqual("ABCDEFGHIJK".split("").map((letter) => letter.repeat(4)));
  expect(quotes.filter(({ low, price, high }) => !(low <= price && price <= high))).toEqual([]);
  expect(hop).toEqual({
    caller: "spiffe://broker.example/webapp",
    callee: "spiffe://stockmarket.example/quotes-service",
  });
});

test("quotes keep flowing, and prices move", async ({ mesh, expect }) => {
  const prices = async (): Promise<string> => JSON.stringify((await quotesOf(mesh))?.quotes.map(({ price }) => price));
  const seen = new Set<string>();
  await until("prices have moved twice", async () => seen.add(await prices()).size >= 3, {
    deadlineMs: 10_000,
    intervalMs: 100,
  });
  expect(seen).not.toContain("undefined");
});

test("the page shows every symbol and both SPIFFE IDs", async ({ mesh, expect }) => {
  const response = await fetch(mesh.url("/quotes"));
  const page = await response.text();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  for (const text of ["AAAA", "KKKK", "spiffe://broker.example/webapp", "spiffe://stockmarket.example/quotes-service"])
    expect(page).toContain(text);
});

test("a second up says that nothing changed, and restarts nothing", async ({ mesh, expect }) => {
  const before = await mesh.ps();
  const { stdout } = await mesh.must("up");
  expect(stdout).toBe("unchanged\n");
  expect(await mesh.ps()).toEqual(before);
});

test("ps names every process once, running, never restarted", async ({ mesh, expect }) => {
  const seen = await mesh.ps();
  expect(seen.map(({ name, state, restarts }) => ({ name, state, restarts }))).toEqual(
    (await lastingProcesses(mesh)).map((name) => ({ name, state: "running", restarts: 0 })),
  );
  expect(shapeProblems("ps.json", json(await mesh.must("ps", "--json")))).toEqual([]);
  const { stdout } = await mesh.must("ps");
  for (const { name, pid } of seen) expect(stdout).toMatch(new RegExp(`^${name} .* ${pid} `, "m"));
});

test("logs show what each process said, and one process alone without its name", async ({ mesh, expect }) => {
  const { stdout } = await mesh.must("logs", "--lines", "3");
  expect(stdout).toMatch(/^spire-server-broker +\S/m);
  expect(stdout).toMatch(/^spire-agent-stockmarket +\S/m);
  const alone = await mesh.must("logs", "--lines", "3", "spire-server-broker");
  expect(alone.stdout.trimEnd().split("\n")).toHaveLength(3);
  expect(alone.stdout).not.toContain("spire-server-broker  ");
});

test("status is ready, and its JSON has the published shape", async ({ mesh, expect }) => {
  const { stdout } = await mesh.must("status");
  for (const text of ["broker.example", "stockmarket.example", "spiffe://stockmarket.example/quotes-service"])
    expect(stdout).toContain(text);
  const status: object = json(await mesh.must("status", "--json"));
  expect(shapeProblems("status.json", status)).toEqual([]);
  expect(status).toMatchObject({ ready: true, problems: [] });
});

test("no private key is in a log, an argument or an environment", async ({ mesh, expect }) => {
  const keys = await privateKeys(mesh);
  const shown = await whatIsShown(mesh);
  // Two CAs, two JWT signers and two agents at least; arguments, environment and logs of ten processes.
  expect(keys.length).toBeGreaterThanOrEqual(6);
  expect(shown.filter(({ text }) => text !== "").length).toBeGreaterThanOrEqual(25);
  const pieces = keys.flatMap((key) => key.match(/.{24}/g) ?? []).filter((piece) => !publicPrefix.startsWith(piece));
  const leaks = shown.filter(
    ({ text }) => text.includes("PRIVATE KEY") || pieces.some((piece) => text.includes(piece)),
  );
  expect(leaks).toEqual([]);
});

/** How every P-256 key in PKCS #8 begins: it names the algorithm. */
const publicPrefix = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
