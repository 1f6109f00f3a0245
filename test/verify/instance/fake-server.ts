// Stands in the place of a SPIRE Server, before a real SPIRE Agent with the rendered configuration: what does it tell somebody
// who shows this certificate?

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TlsOptions } from "node:tls";

import type { Shown } from "./authority.ts";
import type { PrivateMesh } from "./private-mesh.ts";
import { domainOf } from "./users.ts";

const deadlineMs = 10_000;

/** `it speaks` once the agent sends anything over TLS; else why it does not, in its own words. */
export async function agentBefore(mesh: PrivateMesh, shown: Shown, options: TlsOptions = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-fake-"));
  const { promise: spoken, resolve } = Promise.withResolvers<string>();
  const server = createServer({ ...shown, ...options, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => resolve("it speaks"));
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake server has no port");
  const config = join(dir, "agent.conf");
  await writeFile(config, await elsewhere(mesh, dir, address));
  const { agent } = domainOf(mesh);
  const binary = mesh.plan.processes.find(({ name }) => name === agent.process)?.command[0] ?? "";
  const child = spawn(binary, ["run", "-config", config], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const read = (data: Buffer): void => {
    log += data.toString();
    const error = / level=(?:warning|error) .* error="((?:[^"\\]|\\.)*)"/.exec(log)?.[1];
    if (error !== undefined) resolve(error.replaceAll("\\", ""));
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  const ended = once(child, "close");
  const timer = setTimeout(() => resolve("no answer"), deadlineMs);
  const said = await spoken;
  clearTimeout(timer);
  child.kill("SIGKILL");
  await ended;
  server.close();
  await rm(dir, { recursive: true });
  return said;
}

/** The configuration that is in use, but for where it listens, writes and dials. */
async function elsewhere(mesh: PrivateMesh, dir: string, { address, port }: AddressInfo): Promise<string> {
  const { agent } = domainOf(mesh);
  const process = mesh.plan.processes.find(({ name }) => name === agent.process);
  const rendered = await readFile(process?.files[0] ?? "", "utf8");
  return Object.entries({
    server_address: address,
    server_port: port,
    socket_path: join(dir, "agent.sock"),
    data_dir: join(dir, "data"),
    listener_enabled: false,
  }).reduce(
    (text, [key, value]) =>
      text.replace(new RegExp(`^(\\s*${key} = ).*$`, "m"), (_, start: string) => start + JSON.stringify(value)),
    rendered,
  );
}
