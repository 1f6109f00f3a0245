// The engine of `./mesh verify --runtime docker` is the user's, and nothing is installed or stood in for; the suite as a part of
// `./mesh test` gets one as every other does.

import { setup as makeReady, teardown as putBack } from "../docker/engine.ts";

const isGiven = process.env["MESH_VERIFY_ENGINE"] === "given";

export async function setup(): Promise<void> {
  if (!isGiven) await makeReady();
}

export async function teardown(): Promise<void> {
  if (!isGiven) await putBack();
}
