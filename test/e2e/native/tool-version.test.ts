// Programs of another version than the mesh is made for: refused before anything is started.

import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { placeTest as test } from "../mesh.ts";

test.for([
  { variable: "MESH_ENVOY", prints: "envoy  version: 0000/1.39.0/Clean/RELEASE/BoringSSL", found: "1.39.0" },
  { variable: "MESH_SPIRE_SERVER", prints: "1.14.5", found: "1.14.5" },
  { variable: "MESH_SPIRE_AGENT", prints: "1.14.5", found: "1.14.5" },
])("$variable of the wrong version is refused", async ({ variable, prints, found }, { newPlace, expect }) => {
  const programs: Record<string, string> = {};
  const place = await newPlace({ env: programs });
  const program = join(place.dir, "other version");
  await writeFile(program, `#!/bin/sh\necho '${prints}'\n`);
  await chmod(program, 0o755);
  programs[variable] = program;
  const { status, stderr } = await place.mesh("up");
  expect(stderr).toContain(`error[MESH_TOOL_VERSION]: ${variable} names ${program}, which is version ${found}`);
  expect(stderr).toMatch(/^fix: /m);
  expect(status).toBe(2);
});
