// What a test may know and do that the command line does not offer, for the docker runtime: by `docker`, and from
// containers beside those of the mesh.

import { existsSync } from "node:fs";

import { planOf } from "./applied-plan.ts";
import {
  besideTheEngine,
  callInContainer,
  containerOf,
  docker,
  dockerLines,
  enginesOwn,
  projectOf,
} from "./container-engine.ts";
import type { Dialled } from "./dial.ts";
import type { Inside } from "./inside.ts";
import type { KeyMaterial } from "./key-material.ts";
import type { Place } from "./place.ts";
import type { textsOf } from "./process-texts.ts";

export const insideDocker: Inside = {
  signal: async (pid, signal) => {
    const program = { module: "process-texts.ts", name: "sendSignal", flags: besideTheEngine };
    await callInContainer(program, { pid, signal });
  },
  serverCommand: (place, { process, words }) => docker(["exec", containerOf(place, process), ...words]),
  dialBeside: async (place, process, options): Promise<Dialled> => {
    const network = ["--network", `container:${containerOf(place, process)}`];
    return callInContainer({ module: "dial.ts", name: "dial", flags: network }, options);
  },
  tracesOf: async (place) => {
    const running = (): Promise<string[]> =>
      dockerLines("ps", "--filter", `label=com.docker.compose.project=${projectOf(place)}`, "--format", "{{.Names}}");
    return {
      processes: running,
      keys: async () => (await keysInVolumes(place)).map(({ path }) => path),
      remains: async () => [
        ...(await enginesOwn(place)),
        ...(existsSync(place.stateDir) ? [`folder ${place.stateDir}`] : []),
      ],
    };
  },
  privateKeys: async (place) => {
    const folders = (await planOf(place)).domains.flatMap(({ server, agent }) => [
      { process: server.process, path: server.dataDir },
      { process: agent.process, path: agent.dataDir },
    ]);
    const processes = await place.ps();
    const inThem = folders.map(({ process, path }) => {
      const pid = processes.find(({ name }) => name === process)?.pid;
      return `/proc/${pid}/root${path}`;
    });
    const program = { module: "key-material.ts", name: "keyMaterialBelow", flags: besideTheEngine };
    const [ofProcesses, inVolumes] = await Promise.all([
      callInContainer<KeyMaterial[]>(program, inThem),
      keysInVolumes(place),
    ]);
    return [...new Set([...ofProcesses, ...inVolumes].map(({ key }) => key))];
  },
  whatIsShown: async (place) => {
    const processes = await place.ps();
    const pids = processes.flatMap(({ pid }) => pid ?? []);
    const program = { module: "process-texts.ts", name: "textsOf", flags: besideTheEngine };
    const [texts, said] = await Promise.all([
      callInContainer<ReturnType<typeof textsOf>>(program, pids),
      Promise.all(processes.map(({ name }) => saidOf(place, name))),
    ]);
    return [
      ...texts.flatMap(({ pid, arguments: words, environment }) => [
        { where: `arguments of ${pid}`, text: words },
        { where: `environment of ${pid}`, text: environment },
      ]),
      ...said.flat(),
    ];
  },
};

async function keysInVolumes(place: Pick<Place, "dir">): Promise<KeyMaterial[]> {
  const own = await enginesOwn(place);
  const volumes = own.flatMap((one) => (one.startsWith("volume ") ? [one.slice("volume ".length)] : []));
  const mounts = volumes.flatMap((volume) => ["--volume", `${volume}:/volumes/${volume}:ro`]);
  const flags = ["--network", "none", ...mounts];
  return callInContainer({ module: "key-material.ts", name: "keyMaterialBelow", flags }, ["/volumes"]);
}

/** What `docker inspect` and `docker logs` show of a process's container. */
async function saidOf(place: Place, process: string): Promise<{ where: string; text: string }[]> {
  const container = containerOf(place, process);
  const [inspected, logs] = await Promise.all([
    docker(["container", "inspect", container]),
    docker(["logs", container], { merged: true }),
  ]);
  return [
    { where: `docker inspect ${process}`, text: inspected },
    { where: `docker logs ${process}`, text: logs },
  ];
}
