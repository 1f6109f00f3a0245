// What a container can use up: processes, memory, room for logs. The app `quotes` tries to take more, and its neighbours go on.

import { messageOf } from "../../../scripts/errors.ts";
import { until } from "../../../scripts/wait.ts";
import { quotesFlow } from "../../e2e/place.ts";
import { inside, only, outside } from "../attacker.ts";
import { composeMeshTest } from "../compose-mesh.ts";

const test = composeMeshTest();

const mebibyte = 2 ** 20;

test("every container has a limit for processes, memory and logs", async ({ mesh, expect }) => {
  for (const [service, { HostConfig }] of await mesh.containers()) {
    expect(HostConfig.PidsLimit, service).toBeLessThanOrEqual(64);
    expect(HostConfig.PidsLimit, service).toBeGreaterThan(0);
    expect(HostConfig.Memory / mebibyte, service).toBeGreaterThan(0);
    expect(HostConfig.Memory / mebibyte, service).toBeLessThanOrEqual(384);
    expect(HostConfig.LogConfig, service).toEqual({ Type: "local", Config: { "max-size": "5m", "max-file": "2" } });
  }
});

test("an app that starts process after process is stopped below its limit, and quotes go on", async ({
  mesh,
  expect,
}) => {
  const [started, refusal] = (await only(inside(await mesh.container("quotes"), [{ spawn: 100 }]))).split(" ");
  expect(refusal).toBe("EAGAIN");
  expect(Number(started)).toBeLessThan(64);
  await quotesFlow(mesh, 10_000);
  expect(await only(outside(["--network", "none"], [{ spawn: 100 }]))).toBe("100");
});

test("an app that takes more memory than it may is killed and starts anew, its neighbours do not notice", async ({
  mesh,
  expect,
}) => {
  const before = await mesh.containers();
  const quotes = await mesh.container("quotes");
  const attempt = [{ allocateMiB: (quotes.HostConfig.Memory / mebibyte) * 3 }];
  // Whoever asked dies with the container.
  expect(await only(inside(quotes, attempt)).catch(messageOf)).not.toContain("holds");
  await until("quotes runs again", async () => (await mesh.container("quotes")).RestartCount === 1, {
    deadlineMs: 20_000,
    intervalMs: 100,
  });
  await quotesFlow(mesh, 20_000);
  for (const [service, { State, RestartCount }] of await mesh.containers()) {
    if (service === "quotes") continue;
    expect({ service, RestartCount, since: State.StartedAt }).toEqual({
      service,
      RestartCount: 0,
      since: before.get(service)?.State.StartedAt,
    });
  }
  const unlimited = ["--network", "none", "--init", "--user", "0:0"];
  expect(await only(outside(unlimited, attempt))).toContain("holds");
});

test("an app that writes log lines without end fills two files of 5 MB", async ({ mesh, expect }) => {
  const quotes = await mesh.container("quotes");
  const data = await mesh.docker("info", "--format", "{{.DockerRootDir}}");
  const folder = `${data}/containers/${quotes.Id}/local-logs`;
  const lines = 250_000;
  // Its own standard output, as the engine reads it: 27 MB.
  expect(await only(inside(quotes, [{ append: "/proc/1/fd/1", lines }]))).toBe("written");
  const names = (await only(outside(["--volume", `${folder}:/logs:ro`], [{ list: "/logs" }]))).split(" ");
  const sizes = await outside(
    ["--network", "none", "--user", "0:0", "--volume", `${folder}:/logs:ro`],
    names.map((name) => ({ sizeOf: `/logs/${name}` })),
  );
  const total = sizes.map(Number).reduce((sum, size) => sum + size, 0) / 1e6;
  expect(names.length).toBeLessThanOrEqual(3);
  expect(total).toBeGreaterThan(4);
  expect(total).toBeLessThan(16);
});
