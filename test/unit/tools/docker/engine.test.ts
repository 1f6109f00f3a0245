import { createServer } from "node:http";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { ensureEngine } from "../../../../scripts/tools/docker/engine.ts";
import { askSocket, judge, lookForEngine } from "../../../../scripts/tools/docker/look-for-engine.ts";
import { isOwnEngine, ownEnginePid, ownEnginePlaces } from "../../../../scripts/tools/docker/own-engine-places.ts";
import { stopOwnEngine } from "../../../../scripts/tools/docker/stop-own-engine.ts";
import { tempDir } from "../../runtime/temp-dir.ts";
import { dockerWithEngine, failing, pathWith } from "./fake-programs.ts";

const { signal } = new AbortController();
const quiet = { report: () => {}, signal, install: false } as const;

// What the clients of Docker 20.10 and 28 print.
const refused =
  "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get " +
  '"http://%2Fvar%2Frun%2Fdocker.sock/v1.41/version": dial unix /var/run/docker.sock: connect: permission denied';
const noDaemon = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";

test("the user's engine is taken, and found by docker without help", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const env = { PATH: await pathWith(cacheDir, { docker: dockerWithEngine("20.10.24+dfsg1") }) };
  await expect(ensureEngine({ ...quiet, cacheDir, env, install: true })).resolves.toEqual({
    version: "20.10.24+dfsg1",
    env: {},
    own: false,
    started: false,
  });
});

test("an engine older than 20.10 is refused with both versions", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const env = { PATH: await pathWith(cacheDir, { docker: dockerWithEngine("19.03.15") }) };
  await expect(ensureEngine({ ...quiet, cacheDir, env })).rejects.toMatchObject({
    code: "MESH_ENGINE_OLD",
    message: "the Docker engine is 19.03.15; the mesh needs 20.10 or newer",
  });
});

test("an engine that does not run is told from one that this user may not reach", async ({
  expect,
  onTestFinished,
}) => {
  const cacheDir = await tempDir(onTestFinished);
  const absent = { PATH: await pathWith(join(cacheDir, "absent"), { docker: failing(noDaemon) }) };
  await expect(ensureEngine({ ...quiet, cacheDir, env: absent })).rejects.toMatchObject({
    code: "MESH_ENGINE_ABSENT",
    details: [noDaemon],
  });
  // Also where an engine could be installed: one is there.
  const denied = { PATH: await pathWith(join(cacheDir, "denied"), { docker: failing(refused) }) };
  await expect(ensureEngine({ ...quiet, cacheDir, env: denied, install: true })).rejects.toMatchObject({
    code: "MESH_ENGINE_DENIED",
    details: [refused],
  });
  expect(judge(`Got ${refused}`).kind).toBe("denied");
});

test("without a docker client the engine's socket is asked", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const env = { PATH: await pathWith(dir, {}), DOCKER_HOST: `unix://${join(dir, "docker.sock")}` };
  const server = createServer(({ url }, response) => {
    response.end(url === "/version" ? '{"Version":"28.2.2"}' : "");
  });
  onTestFinished(() => void server.close());
  await once(server.listen(join(dir, "docker.sock")), "listening");
  await expect(lookForEngine({ env, signal })).resolves.toEqual({ kind: "answers", version: "28.2.2" });
  const remote = { ...env, DOCKER_HOST: "ssh://somewhere" };
  await expect(lookForEngine({ env: remote, signal })).resolves.toMatchObject({
    kind: "absent",
    said: expect.stringContaining("docker client"),
  });
});

test("a socket with nobody behind it, or with something else, is no engine", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  await expect(askSocket(join(dir, "nothing.sock"), signal)).resolves.toMatchObject({ kind: "absent" });
  const server = createServer((_request, response) => response.end("hello"));
  onTestFinished(() => void server.close());
  await once(server.listen(join(dir, "other.sock")), "listening");
  await expect(askSocket(join(dir, "other.sock"), signal)).resolves.toEqual({
    kind: "absent",
    said: `what answers on ${join(dir, "other.sock")} is no Docker engine`,
  });
});

test("a pid that is another process's by now is not taken for our engine", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const places = { ...ownEnginePlaces(dir), pidFile: join(dir, "dockerd.pid") };
  await expect(ownEnginePid(places)).resolves.toBeUndefined();
  await writeFile(places.pidFile, `${process.pid}\n`);
  await expect(ownEnginePid(places)).resolves.toBeUndefined();
  const [own = ""] = process.argv;
  await expect(isOwnEngine(process.pid, own)).resolves.toBe(true);
});

test("the sockets of our own engine have short paths, however long that of the cache is", ({ expect }) => {
  const { runDir, socket } = ownEnginePlaces(`/${"long/".repeat(50)}`);
  expect(`${runDir}/exec/containerd/containerd-debug.sock`.length).toBeLessThan(108);
  expect(socket).not.toBe(ownEnginePlaces("/other").socket);
});

test("where nothing was started there is nothing to stop", async ({ expect, onTestFinished }) => {
  await expect(stopOwnEngine({ cacheDir: await tempDir(onTestFinished), signal })).resolves.toBe(false);
});
