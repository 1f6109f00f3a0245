// Attempts at what the file system and the kernel guard: as everybody there is on the machine, with the process that it is
// there for as the control.

import type { Attempt } from "../claim.ts";
import { addressesOf } from "../instance/listeners.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { as, asEverybodyBut, told, userOf, withoutUsers } from "../instance/users.ts";

const forbidden = /^EACCES to [^;]+$/;

type Path = (mesh: LiveMesh) => string | Promise<string>;

interface Guarded {
  readonly tried: string;
  readonly path: Path;
  /** Connecting for a socket; making a file for a folder; opening for a file, which the kernel judges: what lies there is nobody's to hold, not even here. */
  readonly does: "connect" | "open" | "make";
  /** Processes for which it is there. */
  readonly admits: (mesh: LiveMesh) => readonly [string, ...string[]];
}

/** Nobody gets in but who must; the first of those is the control. */
export function guarded({ tried, path, does, admits }: Guarded): Attempt<LiveMesh> {
  const task = async (mesh: LiveMesh) => {
    const at = await path(mesh);
    return does === "connect" ? ({ does, to: { socket: at } } as const) : ({ does, path: at } as const);
  };
  return {
    tried,
    notHere: withoutUsers,
    run: asEverybodyBut(admits, task),
    expected: {
      kind: "denied",
      by: "the file system",
      saw: forbidden,
      control: {
        tried: "the same by the process that it is there for",
        run: as((mesh) => userOf(mesh, admits(mesh)[0]), task),
        saw: /^(connected|opened|made)$/,
      },
    },
  };
}

export async function pidsOf({ runtime }: LiveMesh, processes: readonly string[]): Promise<number[]> {
  return (await runtime.list()).flatMap(({ name, pid }) =>
    processes.includes(name) && pid !== undefined ? [pid] : [],
  );
}

/** What these processes listen at by TCP that the plan does not have; the control is what it has. */
export function listening(tried: string, chosen: (role: string) => boolean): Attempt<LiveMesh> {
  const look = async (mesh: LiveMesh) => {
    const processes = mesh.plan.processes.filter(({ role }) => chosen(role));
    const planned = processes.flatMap(({ listens }) => listens.map(({ host, port }) => `${host}:${port}`));
    const found = addressesOf(
      await pidsOf(
        mesh,
        processes.map(({ name }) => name),
      ),
    );
    return { planned, found };
  };
  return {
    tried,
    notHere: inContainers,
    run: async (mesh) => {
      const { planned, found } = await look(mesh);
      const more = found.filter((address) => !planned.includes(address));
      return told(more.length === 0 ? "no other address" : more.join(", "));
    },
    expected: {
      kind: "denied",
      by: "the kernel",
      saw: /^no other address$/,
      control: {
        tried: "the planned addresses in the same table",
        run: async (mesh) => {
          const { planned, found } = await look(mesh);
          const missing = planned.filter((address) => !found.includes(address));
          return told(missing.length === 0 && planned.length > 0 ? "all there" : `not there: ${missing.join(", ")}`);
        },
        saw: /^all there$/,
      },
    },
  };
}

/** Their addresses are in namespaces of their own. */
export function inContainers({ plan }: LiveMesh): string | undefined {
  return plan.runtime === "docker"
    ? "in containers it is networks that keep others out: ./mesh test docker"
    : undefined;
}
