// Attempts at what the file system and the kernel guard: as everybody there is on the machine, with the process that it is
// there for as the control.

import type { Attempt } from "../claim.ts";
import { addressesOf } from "../instance/listeners.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { as, asEverybodyBut, told, userOf, withoutUsers } from "../instance/users.ts";

const forbidden = /^EACCES to [^;]+$/;

type Path = (mesh: PrivateMesh) => string | Promise<string>;

interface Guarded {
  readonly tried: string;
  readonly path: Path;
  /** Connecting for a socket, reading for a file. */
  readonly does: "connect" | "read";
  /** Processes for which it is there. */
  readonly admits: (mesh: PrivateMesh) => readonly [string, ...string[]];
}

/** Nobody gets in but who must; the first of those is the control. */
export function guarded({ tried, path, does, admits }: Guarded): Attempt {
  const task = async (mesh: PrivateMesh) => {
    const at = await path(mesh);
    return does === "read" ? ({ does, path: at } as const) : ({ does, to: { socket: at } } as const);
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
        saw: /^(connected|read)$/,
      },
    },
  };
}

export async function pidsOf({ runtime }: PrivateMesh, processes: readonly string[]): Promise<number[]> {
  return (await runtime.list()).flatMap(({ name, pid }) =>
    processes.includes(name) && pid !== undefined ? [pid] : [],
  );
}

/** What these processes listen at by TCP that the plan does not have; the control is what it has. */
export function listening(tried: string, chosen: (role: string) => boolean): Attempt {
  const look = async (mesh: PrivateMesh) => {
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
