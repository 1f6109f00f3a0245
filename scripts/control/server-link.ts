// The controller's line to its SPIRE Server: opened when needed, dropped when the server does not answer, so that a
// server which is not up yet or restarts costs nothing while it is away.

import type { DomainPlan } from "../plan/plan.ts";
import { connectServer, isNotUpYet, type ServerApi } from "../trust/server-api.ts";

export interface ServerLink {
  /**
   * Does something with the server.
   *
   * @throws MeshError MESH_SPIRE_API when it does not answer; the next use dials again
   */
  readonly use: <T>(work: (api: ServerApi) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

const callDeadlineMs = 3000;

export function serverLink({ server }: Pick<DomainPlan, "server">): ServerLink {
  let open: Promise<ServerApi> | undefined;
  const drop = async (): Promise<void> => {
    const dropped = open;
    open = undefined;
    (await dropped)?.close();
  };
  return {
    use: async (work) => {
      open ??= connectServer(server.adminSocket, { server: server.process, deadlineMs: callDeadlineMs });
      try {
        return await work(await open);
      } catch (error) {
        if (isNotUpYet(error)) await drop();
        throw error;
      }
    },
    close: drop,
  };
}
