// Where attacks over the network start from: this process, where the mesh is on this machine; in containers, whose networks the
// machine has no way into, a container beside the sidecars.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { HostPort } from "../../../scripts/model/mesh.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { type ComposeProject, docker } from "../../../scripts/runtime/compose-project.ts";
import { containersOf } from "../../../scripts/runtime/containers.ts";
import { type Answer, type GrpcCall, perform } from "./attacker.ts";
import { offered, probe, probePlain, type ProbeOptions, type Seen } from "./probe.ts";

export interface Network {
  readonly probe: (address: HostPort, options: Told) => Promise<Seen>;
  readonly probePlain: (address: HostPort, raw: string) => Promise<Seen>;
  readonly offered: (address: HostPort, ALPNProtocols: readonly string[]) => Promise<Seen>;
  readonly perform: (call: GrpcCall) => Promise<Answer>;
}

/** What can be told to another process. */
type Told = Pick<ProbeOptions, "shown" | "minVersion" | "maxVersion" | "ALPNProtocols" | "ecdhCurve"> & {
  readonly raw: string;
};

export const networkHere: Network = { probe, probePlain, offered, perform };

/** The modules that hold those, which import Node's own alone. */
const modules = { probe: "probe.ts", probePlain: "probe.ts", offered: "probe.ts", perform: "attacker.ts" } as const;
type Method = keyof typeof modules;

interface Waiting {
  readonly heard: (line: string) => void;
  readonly reject: (reason: Error) => void;
}

/** Last number of an address that no process of a mesh has (plan/docker.ts). */
const outpostNumber = 254;

/**
 * A container of the mesh's own image in the network of this address, with no volume, no capability and no user of the mesh; it
 * ends with this process.
 */
export async function openOutpost(
  project: ComposeProject,
  { networks = [], processes }: Plan,
  { host }: HostPort,
): Promise<Network & AsyncDisposable> {
  const network = networks.find(({ members }) => Object.values(members).includes(host));
  const controllers = processes.filter(({ role }) => role === "controller").map(({ name }) => name);
  const withNode = (await containersOf(project)).find(({ service }) => controllers.includes(service));
  if (network === undefined || withNode === undefined) throw new Error(`no network of the mesh has ${host}`);
  const image = (await docker(project, ["inspect", "--format", "{{.Image}}", withNode.id])).trim();
  const address = network.subnet.replace(/\d+\/24$/, String(outpostNumber));
  const confined = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--user", "65534"];
  const place = ["--network", `${project.name}_${network.name}`, "--ip", address];
  const words = [
    "run",
    "--rm",
    "--interactive",
    "--pull",
    "never",
    ...confined,
    ...place,
    "--entrypoint",
    "node",
    image,
  ];
  const child = spawn("docker", [...words, "--input-type=module", "--eval", await program()], {
    env: project.env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = new Map<number, Waiting>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id }: { readonly id: number } = JSON.parse(line);
    waiting.get(id)?.heard(line);
    waiting.delete(id);
  });
  const ended = once(child, "close");
  child.on("close", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the attacker's container ended with ${code}`));
  });
  let last = 0;
  const call = async <T>(method: Method, ...args: readonly unknown[]): Promise<T> => {
    const answer = Promise.withResolvers<T>();
    last += 1;
    const heard = (line: string): void => {
      const { value }: { readonly value: T } = JSON.parse(line);
      answer.resolve(value);
    };
    waiting.set(last, { heard, reject: answer.reject });
    child.stdin.write(`${JSON.stringify({ id: last, method, args })}\n`);
    return answer.promise;
  };
  return {
    probe: (...args) => call("probe", ...args),
    probePlain: (...args) => call("probePlain", ...args),
    offered: (...args) => call("offered", ...args),
    perform: (...args) => call("perform", ...args),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Answers each line of standard input by a line of standard output. */
async function program(): Promise<string> {
  const files = [...new Set(Object.values(modules))];
  const imports = files.map(async (file) => {
    const source = stripTypeScriptTypes(await readFile(join(import.meta.dirname, file), "utf8"));
    return `...await import(${JSON.stringify(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`)})`;
  });
  return `
import { createInterface } from "node:readline";
const methods = { ${(await Promise.all(imports)).join(", ")} };
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line);
  methods[method](...args).then((value) => console.log(JSON.stringify({ id, value })));
}
process.exit();
`;
}
