// An app of this machine that is built before it starts.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { checkoutDir, nodeForEveryUser } from "../checkout.ts";
import { freePort } from "../free-port.ts";
import { meshTest } from "../mesh.ts";

const listenPort = await freePort();

const test = meshTest({
  description: async (port, dir) => ({
    trustDomains: { "stockmarket.example": {} },
    workloads: {
      rates: {
        spiffeId: "spiffe://stockmarket.example/rates",
        app: {
          command: [await nodeForEveryUser(dir), "built.mjs"],
          workingDir: "test/e2e/apps/built",
          build: ["sed", "-e", "s/not built/built/", "-e", "w built.mjs", "server.mjs"],
          listen: `127.0.0.1:${listenPort}`,
        },
        publish: `127.0.0.1:${port}`,
      },
    },
  }),
});

test("an app is built before it starts, in a folder that is not the checkout", async ({ mesh, expect }) => {
  const answer = await fetch(mesh.url("/rates"), { signal: AbortSignal.timeout(5000) });
  expect(await answer.json()).toMatchObject({ version: "built", path: "/rates" });
  // As an ordinary user everything is that user's, the checkout too, and apps are built in it.
  if (process.getuid?.() === 0) expect(existsSync(join(checkoutDir, "test/e2e/apps/built/built.mjs"))).toBe(false);
});
