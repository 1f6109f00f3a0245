// ./mesh ps: the processes, as their supervisor sees them.

import { exitStatus } from "../errors.ts";
import { paintResult, printJson, printResult } from "../output/print.ts";
import { alignColumns, formatSeconds } from "../output/table.ts";
import type { ProcessStatus } from "../runtime/runtime.ts";
import type { Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

const headings = ["PROCESS", "TRUST DOMAIN", "STATE", "PID", "USER", "AGE", "RESTARTS", "LAST EXIT"];

/** Exit status 1 when a process that should run does not. */
export async function ps(context: Context, { json }: { readonly json: boolean }): Promise<number> {
  const { plan, runtime } = await meshThatIsUp(context);
  const statuses = await runtime.list();
  const order = plan.processes.map(({ name }) => name);
  const sorted = statuses.toSorted((left, right) => order.indexOf(left.name) - order.indexOf(right.name));
  if (json) printJson({ processes: sorted });
  else {
    const now = Date.now();
    const rows = sorted.map((status) => {
      const planned = plan.processes.find(({ name }) => name === status.name);
      return [
        status.name,
        planned?.trustDomain ?? "",
        paintResult(status.state === "running" ? "green" : "red", status.state),
        String(status.pid ?? ""),
        String(planned?.user.uid ?? ""),
        status.startedAt === undefined ? "" : formatSeconds((now - status.startedAt) / 1000),
        String(status.restarts),
        lastExit(status),
      ];
    });
    printResult(alignColumns([headings, ...rows]).join("\n"));
  }
  return statuses.every(({ state }) => state === "running") ? exitStatus.ok : exitStatus.no;
}

function lastExit({ lastExit: exit }: ProcessStatus): string {
  if (exit === undefined) return "";
  if (exit.error !== undefined) return exit.error;
  return exit.signal ?? `status ${exit.code ?? "unknown"}`;
}
