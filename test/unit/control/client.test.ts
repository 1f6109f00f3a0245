import { stat, writeFile } from "node:fs/promises";

import { test } from "vitest";

import { controllerClient } from "../../../scripts/control/client.ts";
import { serveController, type Commanded } from "../../../scripts/control/server.ts";
import { MeshError } from "../../../scripts/errors.ts";
import type { DomainFacts } from "../../../scripts/observe/facts.ts";
import { socketFolder, tutorialPlan } from "../observe/fixtures.ts";
import { readyReport } from "./fixtures.ts";

function factsOfBroker(): DomainFacts {
  const facts = readyReport().trustDomains[0]?.facts;
  if (facts === undefined) throw new Error("the recorded report has no facts");
  return facts;
}

const self = { process: "controller-broker", pid: 1, startedAt: "2026-11-24T22:50:34.808Z" };

/** A controller's answers; what it does is not under test here. */
function commanded(changes: Partial<Commanded> = {}): Commanded {
  return {
    self: () => self,
    facts: async () => factsOfBroker(),
    applyPlan: async () => ({ trustDomain: "broker.example", trust: [], pending: [], files: [] }),
    ...changes,
  };
}

function domainAt(socket: string) {
  return { controller: { process: "controller-broker", socket, planFile: "" } };
}

test("facts and reports cross the socket as they are", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = folder.path("controller.sock");
  const asked: boolean[] = [];
  const plans: unknown[] = [];
  const server = await serveController(
    commanded({
      facts: async ({ probe }) => {
        asked.push(probe);
        return factsOfBroker();
      },
      applyPlan: async (plan) => {
        plans.push(plan);
        return { trustDomain: "broker.example", trust: ["entry created"], pending: [], files: [] };
      },
    }),
    socket,
  );
  const client = controllerClient(domainAt(socket));
  expect(await client.facts()).toEqual(factsOfBroker());
  await client.facts({ probe: false });
  expect(asked).toEqual([true, false]);
  expect(await client.applyPlan(tutorialPlan())).toMatchObject({ trust: ["entry created"] });
  expect(plans).toEqual([tutorialPlan()]);
  expect(await client.health()).toBe(true);
  await server.close();
  expect(await client.health()).toBe(false);
});

test("an expected problem keeps its code, fix and details; a bug says where it is", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = folder.path("controller.sock");
  const rejected = new MeshError("MESH_UPDATE_REJECTED", "quotes-sidecar rejected policy.yaml", {
    fix: "undo it",
    details: ["line 3"],
  });
  const failing = commanded({
    applyPlan: async () => {
      throw rejected;
    },
    facts: async () => {
      throw new TypeError("x is not a function");
    },
  });
  const server = await serveController(failing, socket);
  const client = controllerClient(domainAt(socket));
  await expect(client.applyPlan(tutorialPlan())).rejects.toMatchObject({
    code: "MESH_UPDATE_REJECTED",
    message: "controller-broker: quotes-sidecar rejected policy.yaml",
    fix: "undo it",
    details: ["line 3"],
  });
  await expect(client.facts()).rejects.toMatchObject({
    code: "MESH_CONTROLLER",
    message: "controller-broker: x is not a function",
    details: expect.arrayContaining([expect.stringContaining("client.test.ts")]),
  });
  await server.close();
});

test("a controller of another version is not misread", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("controller.sock", (_, response) => response.end('{"version":99}'));
  await expect(controllerClient(domainAt(socket)).facts()).rejects.toMatchObject({
    code: "MESH_CONTROLLER",
    fix: "./mesh restart controller-broker",
  });
});

const garbled = "controller-broker sent what cannot be used: ";

test.for([
  ["{", `${garbled}it is not JSON`],
  ["null", `${garbled}it is not an object`],
  ['{"version":1}', `${garbled}trustDomain is not what it should be`],
  [JSON.stringify({ ...factsOfBroker(), sidecars: [{}] }), `${garbled}sidecars[0].workload is not what it should be`],
])("facts that are malformed fail for that controller alone: %s", async ([body, message], { expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("controller.sock", (_, response) => response.end(body));
  const client = controllerClient(domainAt(socket));
  await expect(client.facts()).rejects.toMatchObject({
    code: "MESH_CONTROLLER",
    message,
    fix: "./mesh restart controller-broker",
  });
  await expect(client.applyPlan(tutorialPlan())).rejects.toMatchObject({ code: "MESH_CONTROLLER" });
});

test("a controller that answers without end is cut off", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("controller.sock", (_, response) => response.end(Buffer.alloc(17 * 1024 * 1024)));
  await expect(controllerClient(domainAt(socket)).facts()).rejects.toMatchObject({ code: "MESH_CONTROLLER" });
});

test("a controller that is not there is told with the command that starts it", async ({ expect }) => {
  await using folder = await socketFolder();
  const client = controllerClient(domainAt(folder.path("controller.sock")));
  expect(await client.health()).toBe(false);
  await expect(client.facts()).rejects.toMatchObject({
    code: "MESH_CONTROLLER",
    message: "controller-broker does not answer on its socket",
    fix: "./mesh restart controller-broker",
  });
});

test("the socket is for its user and group, and the one a killed controller left is replaced", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = folder.path("controller.sock");
  await writeFile(socket, "");
  const server = await serveController(commanded(), socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o660);
  await expect(serveController(commanded(), socket)).rejects.toMatchObject({ code: "MESH_LOCKED" });
  await server.close();
});

test("a controller that is too busy to answer keeps its socket", async ({ expect }) => {
  await using folder = await socketFolder();
  const socket = await folder.serve("controller.sock", () => undefined);
  await expect(serveController(commanded(), socket)).rejects.toMatchObject({ code: "MESH_LOCKED" });
  expect((await stat(socket)).isSocket()).toBe(true);
});
