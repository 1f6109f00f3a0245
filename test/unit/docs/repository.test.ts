// What must never be in the repository: a private key, or a trace of the machine on which something was written.

import { homedir, hostname } from "node:os";
import { dirname } from "node:path";

import { test } from "vitest";

import { read, repositoryDir, repositoryFiles } from "./markdown.ts";

const files = repositoryFiles();

test("no file holds a private key", ({ expect }) => {
  expect(files.filter((file) => /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}/.test(read(file)))).toEqual(
    [],
  );
});

/** Folders that are no trace of anybody: the code and documents speak of them. */
const onEveryMachine = new Set(["/", "/home/", "/opt/", "/root/", "/run/", "/srv/", "/tmp/", "/usr/", "/var/"]);

test("no file names this checkout, this user's home or this machine", ({ expect }) => {
  const traces = [repositoryDir, `${dirname(repositoryDir)}/`, `${homedir()}/`].filter(
    (path) => !onEveryMachine.has(path),
  );
  if (hostname().length > 8) traces.push(hostname());
  expect(traces).not.toEqual([]);
  expect(files.filter((file) => traces.some((trace) => read(file).includes(trace)))).toEqual([]);
});

test("the lockfile names no registry", ({ expect }) => {
  expect(read("package-lock.json")).not.toMatch(/https?:\/\/[^"]*\.tgz/);
});

test("the licence is the one package.json names", ({ expect }) => {
  expect(JSON.parse(read("package.json"))).toMatchObject({ license: "Apache-2.0" });
  expect(read("LICENSE")).toMatch(/^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
});
