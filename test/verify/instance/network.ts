// Where attacks over the network start from: this process, where the mesh is on this machine; in containers, whose networks the
// machine has no way into, a container beside the sidecars.

import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

import type { HostPort } from "../../../scripts/model/mesh.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { type ComposeProject, docker, labels } from "../../../scripts/runtime/compose-project.ts";
import { containersOf } from "../../../scripts/runtime/containers.ts";
import { type Answer, type GrpcCall, perform } from "./attacker.ts";
import { answering, openOtherSide } from "./other-side.ts";
import { offered, probe, probePlain, type ProbeOptions, type Seen } from "./probe.ts";

export interface Network {
  readonly probe: (address: HostPort, options: Told) => Promise<Seen>;
  readonly probePlain: (address: HostPort, raw: string | Buffer) => Promise<Seen>;
  readonly offered: (address: HostPort, ALPNProtocols: readonly string[]) => Promise<Seen>;
  readonly perform: (call: GrpcCall) => Promise<Answer>;
}

/** What can be told to another process. */
type Told = Pick<
  ProbeOptions,
  "raw" | "shown" | "deadlineMs" | "next" | "minVersion" | "maxVersion" | "ALPNProtocols" | "ecdhCurve" | "servername"
>;

export const networkHere: Network = { probe, probePlain, offered, perform };

/** The modules that hold those, which import Node's own alone. */
const modules = { probe: "probe.ts", probePlain: "probe.ts", offered: "probe.ts", perform: "attacker.ts" } as const;

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
  // Compose writes its labels into images too: nobody must take this container for one of the mesh.
  const nobodys = ["--label", `${labels.project}=${project.name}-attacker`, "--label", `${labels.service}=attacker`];
  const place = ["--network", `${project.name}_${network.name}`, "--ip", address];
  const words = [
    "run",
    "--rm",
    "--interactive",
    "--pull",
    "never",
    ...confined,
    ...nobodys,
    ...place,
    "--entrypoint",
    "node",
    image,
  ];
  const side = openOtherSide([...words, "--input-type=module", "--eval", await program()], project.env);
  return {
    probe: (at, { next, ...options }) => {
      if (next !== undefined) throw new Error("what follows on the connection cannot be told to a container");
      return side.call("probe", at, options);
    },
    probePlain: (...args) => side.call("probePlain", ...args),
    offered: (...args) => side.call("offered", ...args),
    perform: (...args) => side.call("perform", ...args),
    [Symbol.asyncDispose]: () => side[Symbol.asyncDispose](),
  };
}

/** Those functions, in a place that has no checkout. */
async function program(): Promise<string> {
  const files = [...new Set(Object.values(modules))];
  const imports = files.map(async (file) => {
    const source = stripTypeScriptTypes(await readFile(join(import.meta.dirname, file), "utf8"));
    return `...(await import(${JSON.stringify(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`)}))`;
  });
  return answering(`{ ${(await Promise.all(imports)).join(", ")} }`);
}
