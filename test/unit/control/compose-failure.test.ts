import { test } from "vitest";

import { explainComposeFailure } from "../../../scripts/control/compose-failure.ts";
import type { Plan, Process } from "../../../scripts/plan/plan.ts";
import type { ComposeProject } from "../../../scripts/runtime/compose-project.ts";
import type { LogLine } from "../../../scripts/runtime/runtime.ts";
import { tempDir } from "../runtime/temp-dir.ts";
import { pathWith } from "../tools/docker/fake-programs.ts";

/** As engines 20.10 to 28 and Compose 2.40 print them. */
const words = {
  port: "Error response from daemon: driver failed programming external connectivity on endpoint mesh-broker-sidecar-1 (73b97e166127): Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use",
  container:
    "Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint mesh-broker-sidecar-1: Bind for 127.0.0.1:8080 failed: port is already allocated",
  subnet:
    "failed to create network mesh_federation: Error response from daemon: Pool overlaps with other one on this address space",
  disk: "Error response from daemon: mkdir /var/lib/docker/overlay2/0a1b-init: no space left on device",
  image:
    'Error response from daemon: Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid on 127.0.0.11:53: no such host',
  base: "failed to solve: node:24.21.0-bookworm-slim: failed to resolve source metadata for docker.io/library/node:24.21.0-bookworm-slim: failed to do request",
} as const;

const progress = [" Network mesh_federation  Creating", " Container mesh-quotes-1  Started"];

/** A project whose docker answers this. */
async function projectWith(
  onTestFinished: (clean: () => Promise<void>) => void,
  { containers = [], images = "" }: { readonly containers?: readonly unknown[]; readonly images?: string },
): Promise<ComposeProject> {
  const dir = await tempDir(onTestFinished);
  const answers = [
    `*"config --images") echo '${images}' ;;`,
    `"image ls"*) echo 'envoyproxy/envoy:v1.40.0' ;;`,
    `"container ls"*) echo '${containers.map((_, index) => `id${index}`).join("\n")}' ;;`,
    `"container inspect"*) printf %s '${JSON.stringify(containers)}' ;;`,
    "*) exit 9 ;;",
  ];
  const PATH = await pathWith(dir, { docker: `case "$*" in\n${answers.join("\n")}\nesac` });
  return { name: "mesh", dir, swappedFile: "/nowhere/swapped.yml", command: ["docker", "compose"], env: { PATH } };
}

const quotes: Process = {
  name: "quotes",
  role: "app",
  trustDomain: "stockmarket.example",
  workload: "quotes",
  user: { uid: 1, gid: 1, groups: [] },
  command: [],
  env: {},
  workingDir: "/",
  files: [],
  sockets: [],
  listens: [],
  after: [],
};
const server: Process = { ...quotes, name: "spire-server-stockmarket", role: "spire-server" };
const bootstrap: Process = { ...quotes, name: "spire-bootstrap-stockmarket", role: "bootstrap" };
const plan: Plan = { runtime: "docker", domains: [], processes: [bootstrap, server, quotes], edges: [], folders: [] };

const runtime = {
  async *logs(names: readonly string[]): AsyncGenerator<LogLine> {
    for (const process of names) yield { process, text: `last words of ${process}` };
  },
};

const began = Date.parse("2026-01-01T00:00:00Z");

function explain(project: ComposeProject, stderr: readonly string[], verb = "up") {
  return explainComposeFailure({ verb, stderr: stderr.join("\n"), since: began, plan, project, runtime });
}

test("what the engine lacks is told by a code, with the engine's own words", async ({ expect, onTestFinished }) => {
  const project = await projectWith(onTestFinished, {});
  const codes = {
    port: "MESH_PORT_TAKEN",
    container: "MESH_PORT_TAKEN",
    subnet: "MESH_ADDRESS_UNUSABLE",
    disk: "MESH_DISK_FULL",
    image: "MESH_IMAGE_ABSENT",
  } as const;
  for (const [kind, code] of Object.entries(codes)) {
    const said = Object.entries(words).find(([name]) => name === kind)?.[1] ?? "";
    expect(await explain(project, [...progress, said, said]), kind).toMatchObject({ code, details: [said] });
  }
  expect(await explain(project, [words.base], "build")).toMatchObject({ code: "MESH_IMAGE_ABSENT" });
});

test("an image that is not there is named", async ({ expect, onTestFinished }) => {
  const images = "envoyproxy/envoy:v1.40.0\nregistry.invalid/x:1\nregistry.invalid/x:1";
  const project = await projectWith(onTestFinished, { images });
  expect(await explain(project, [words.image])).toMatchObject({
    message: "not on this machine, and could not be pulled: registry.invalid/x:1",
    fix: expect.stringContaining("docker pull registry.invalid/x:1;"),
  });
});

function container(service: string, state: Readonly<Record<string, unknown>>) {
  return {
    Id: service,
    Name: `/mesh-${service}-1`,
    RestartCount: 0,
    Config: { Labels: { "com.docker.compose.service": service } },
    State: { Status: "running", Pid: 1, StartedAt: "", FinishedAt: "", ExitCode: 0, Error: "", ...state },
  };
}

test("of what died or could not prove its work the first is named that others need", async ({
  expect,
  onTestFinished,
}) => {
  const unproven = container("quotes", { Health: { Status: "unhealthy", Log: [{ Output: "no answer\n" }] } });
  const only = await projectWith(onTestFinished, { containers: [container(server.name, {}), unproven] });
  expect(await explain(only, progress)).toMatchObject({
    code: "MESH_PROCESS_FAILED",
    message: "quotes could not prove its work",
    details: ["no answer"],
    fix: "mend what it said last, above; then run this again",
  });
  const starting = container(server.name, { Health: { Status: "starting" } });
  const oneIsLate = await projectWith(onTestFinished, { containers: [starting, unproven] });
  expect(await explain(oneIsLate, progress)).toMatchObject({ message: "quotes could not prove its work" });
  const late = container("broker", { Health: { Status: "unhealthy", Log: [{ Output: "no quotes\n" }] } });
  const bothGaveUp = await projectWith(onTestFinished, { containers: [late, unproven] });
  const named = [...progress, "container mesh-quotes-1 is unhealthy"];
  expect(await explain(bothGaveUp, named)).toMatchObject({ message: "quotes could not prove its work" });
  const dead = container(server.name, { Status: "exited", ExitCode: 3 });
  const waiting = container(bootstrap.name, { Status: "exited", ExitCode: 2 });
  const waited = await projectWith(onTestFinished, { containers: [waiting, dead, unproven] });
  expect(await explain(waited, progress)).toMatchObject({ message: `${server.name} ended with exit status 3` });
  const both = await projectWith(onTestFinished, { containers: [dead, unproven] });
  expect(await explain(both, progress)).toMatchObject({
    message: `${server.name} ended with exit status 3`,
    details: [`last words of ${server.name}`],
  });
});

test("what ends again and again is named while it runs; one that did so before is not", async ({
  expect,
  onTestFinished,
}) => {
  const again = (FinishedAt: string) => ({ ...container(server.name, { FinishedAt }), RestartCount: 3 });
  const unproven = container("quotes", { Health: { Status: "unhealthy", Log: [{ Output: "no answer\n" }] } });
  const looping = [again("2026-01-01T00:00:05.123456789Z"), unproven];
  expect(await explain(await projectWith(onTestFinished, { containers: looping }), progress)).toMatchObject({
    message: `${server.name} ends again and again`,
    details: [`last words of ${server.name}`],
  });
  const between = [container(server.name, { Status: "restarting", ExitCode: 9 }), unproven];
  expect(await explain(await projectWith(onTestFinished, { containers: between }), progress)).toMatchObject({
    message: `${server.name} ends again and again, with exit status 9`,
  });
  const healed = [again("2025-12-31T23:59:59Z"), unproven];
  expect(await explain(await projectWith(onTestFinished, { containers: healed }), progress)).toMatchObject({
    message: "quotes could not prove its work",
  });
});

test("one that ended has not failed a proof, and one that is paused has not ended", async ({
  expect,
  onTestFinished,
}) => {
  const Health = { Status: "unhealthy", Log: [{ Output: "no answer\n" }] };
  const dead = await projectWith(onTestFinished, {
    containers: [container("quotes", { Status: "exited", ExitCode: 3, Health })],
  });
  expect(await explain(dead, progress)).toMatchObject({
    message: "quotes ended with exit status 3",
    details: ["last words of quotes"],
  });
  const paused = await projectWith(onTestFinished, { containers: [container("quotes", { Status: "paused", Health })] });
  expect(await explain(paused, progress)).toMatchObject({
    message: "quotes is paused",
    fix: "docker unpause mesh-quotes-1; then run this again",
  });
});

test("anything else is told in Compose's last words, without its progress", async ({ expect, onTestFinished }) => {
  const project = await projectWith(onTestFinished, { containers: [container("quotes", {})] });
  expect(await explain(project, [...progress, "yaml: line 3: something"])).toMatchObject({
    code: "MESH_COMPOSE_FAILED",
    details: ["yaml: line 3: something"],
  });
});
