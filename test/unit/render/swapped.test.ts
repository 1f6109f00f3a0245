// The Compose file of a mesh while a swap lasts, against the one that mesh.yaml says. (What every container of it may, and
// reaches, is in compose.test.ts and compose-reach.test.ts.)

import { test } from "vitest";

import type { Plan } from "../../../scripts/plan/plan.ts";
import { composeOf, swapped, swaps } from "./docker-meshes.ts";

test("a swap makes nobody anew but the apps of the workload", ({ expect }) => {
  const { services: usual, volumes, networks, name } = composeOf("quotes").compose;
  for (const { compose } of swaps.map(swapped)) {
    for (const [service, definition] of Object.entries(compose.services))
      if (!/^quotes(?:-slot-2|-contract)?$/.test(service)) expect(definition, service).toEqual(usual[service]);
    expect({ name: compose.name, volumes: compose.volumes, networks: compose.networks }).toEqual({
      name,
      volumes,
      networks,
    });
  }
});

test("who serves alone is the workload's only app, and nobody is asked any more", ({ expect }) => {
  const [under, , over] = swaps.map(swapped).map(({ compose }) => Object.keys(compose.services));
  expect(under?.filter((name) => name.startsWith("quotes"))).toEqual([
    "quotes-sidecar",
    "quotes",
    "quotes-slot-2",
    "quotes-contract",
  ]);
  expect(over?.filter((name) => name.startsWith("quotes"))).toEqual(["quotes-sidecar", "quotes-slot-2"]);
});

test("who asks the contract's questions is started by none but a swap, and has no network without need", ({
  expect,
}) => {
  const [onSocket, onTcp] = swaps.map(swapped).map(({ compose }) => compose.services["quotes-contract"]);
  expect(onSocket).toMatchObject({ profiles: ["contract"], restart: "no", network_mode: "none" });
  expect(onTcp?.network_mode).toBe("service:quotes-sidecar");
});

test("the controller of that trust domain starts from the plan with both, and no other does", ({ expect }) => {
  const [{ plans }] = [swapped({ quotes: { 2: { app: { kind: "image", image: "a:1", health: "/" }, weight: 1 } } })];
  expect(plans.map(({ path }) => path)).toEqual(["spire/stockmarket.example/swapped.json"]);
  const { domains }: Plan = JSON.parse(plans[0]?.content ?? "");
  expect(domains[0]?.sidecars[0]?.apps.map(({ slot }) => slot)).toEqual([2]);
});
