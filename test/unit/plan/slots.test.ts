import { parse } from "yaml";
import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { plan } from "../../../scripts/plan/build.ts";
import { exampleHost } from "../../../scripts/plan/example-host.ts";
import type { Serving } from "../../../scripts/plan/slots.ts";
import { renderDynamic } from "../../../scripts/render/dynamic.ts";

const mesh = parseMesh(
  `trustDomains: { a.example: {} }
workloads:
  caller:
    spiffeId: spiffe://a.example/caller
    app: { node: apps/broker/server.ts }
    calls: { quotes: [GET /quotes] }
  quotes: { spiffeId: spiffe://a.example/quotes, app: { node: apps/quotes/server.ts } }
`,
  { file: "mesh.yaml" },
);
const host = exampleHost(mesh);
const declared = { kind: "node", entry: "apps/quotes/server.ts", health: "/health" } as const;
const other = { kind: "command", command: ["./quotes"], workingDir: "examples/quotes-go", health: "/health" } as const;

function planned(serving: Serving) {
  const { domains, processes, folders } = plan(mesh, host, serving);
  const sidecar = domains.flatMap(({ sidecars }) => sidecars).find(({ workload }) => workload === "quotes");
  if (sidecar === undefined) throw new Error("there is no sidecar");
  const { resources }: { resources: { endpoints: unknown[] }[] } = parse(renderDynamic(sidecar)["endpoints.yaml"]);
  const apps = processes.filter(({ role, workload }) => role === "app" && workload === "quotes");
  return { apps, folders, sidecar, files: renderDynamic(sidecar), endpoints: resources[0]?.endpoints };
}

test("with nothing decided the app of mesh.yaml serves in the first slot", ({ expect }) => {
  const { apps, endpoints } = planned({});
  expect(apps.map(({ name }) => name)).toEqual(["quotes"]);
  expect(endpoints).toMatchObject([{ locality: { zone: "slot-1" } }]);
  expect(planned({ quotes: { 1: { app: declared, weight: 1 } } })).toEqual(planned({}));
});

test("two apps have a process, a user, a folder and an endpoint each; one of weight 0 drains", ({ expect }) => {
  const both = planned({ quotes: { 1: { app: declared, weight: 1 }, 2: { app: other, weight: 0 } } });
  expect(both.apps.map(({ name }) => name)).toEqual(["quotes", "quotes-slot-2"]);
  const [first, second] = both.apps;
  expect(second?.user.uid).not.toBe(first?.user.uid);
  // It opens the sidecar's outbound sockets as the workload does, and the first slot's own socket not.
  expect(second?.user.groups).toEqual([first?.user.gid]);
  expect(second?.env["LISTEN"]).toBe("unix:/run/mesh-example/quotes-slot-2/app.sock");
  const folder = both.folders.find(({ path }) => path === "/run/mesh-example/quotes-slot-2");
  expect(folder?.owner.uid).toBe(second?.user.uid);
  expect(both.endpoints).toMatchObject([
    { locality: { zone: "slot-1" }, lb_endpoints: [{}] },
    { locality: { zone: "slot-2" }, lb_endpoints: [{ health_status: "DRAINING" }] },
  ]);
});

test("a share is a weight; and nothing of the sidecar but endpoints.yaml knows of slots", ({ expect }) => {
  const before = planned({});
  const { endpoints, files } = planned({ quotes: { 1: { app: declared, weight: 90 }, 2: { app: other, weight: 10 } } });
  expect(endpoints).toMatchObject([
    { lb_endpoints: [{ load_balancing_weight: 90 }] },
    { lb_endpoints: [{ load_balancing_weight: 10 }] },
  ]);
  const changed = Object.entries(files).filter(
    ([name, text]) => text !== Object.entries(before.files).find(([one]) => one === name)?.[1],
  );
  expect(changed.map(([name]) => name)).toEqual(["endpoints.yaml"]);
});
