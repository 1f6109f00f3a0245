// The supervisor's socket: whoever speaks to it, and however, ends nothing that it supervises.

import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";

import { test } from "./supervised-mesh.ts";

const sleeper = ["sleep", "1000"];

test("commands that leave before their answer end nothing", async ({ mesh, expect }) => {
  const processes = [await mesh.process("a", sleeper)];
  const runtime = await mesh.begin(processes);
  await runtime.start(processes);
  const before = await mesh.status("a");
  const { places } = await mesh.state();
  for (let turn = 0; turn < 50; turn += 1) {
    const socket = connect(join(places.runDir, "supervisor.sock"));
    socket.write('{"op":"list"}\n', () => socket.destroy());
    await once(socket, "close");
  }
  expect(await mesh.status("a")).toEqual(before);
});
