// A published port that is taken is told before minutes go into getting SPIRE and Envoy.

import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

import { placeTest as test } from "../mesh.ts";

const noTools = { MESH_SPIRE_SERVER: undefined, MESH_SPIRE_AGENT: undefined, MESH_ENVOY: undefined };

test("a published port that is taken is told before tools are looked for", async ({ newPlace, expect }) => {
  const env: Record<string, string | undefined> = { ...noTools };
  const place = await newPlace({ env });
  env["MESH_CACHE"] = join(place.dir, "empty cache");
  const taker = createServer().listen({ host: "127.0.0.1", port: place.port });
  await once(taker, "listening");
  try {
    const { status, stderr } = await place.mesh("--offline", "up");
    expect(stderr).toContain(`error[MESH_PORT_TAKEN]: 127.0.0.1:${place.port}, where broker-sidecar is to listen,`);
    expect(status).toBe(2);
  } finally {
    taker.close();
  }
  expect((await place.mesh("--offline", "up")).stderr).toContain("error[MESH_TOOL_OFFLINE]");
});
