// How the CLI asks a controller that runs in a container: by a small program beside it (ask.ts), through Compose.

import { compose, type ComposeProject } from "../runtime/compose-project.ts";
import type { Ask } from "./client.ts";

/** What ask.ts prints. */
export type ContainerAnswer =
  | { readonly status: number; readonly body: string }
  /** The controller did not answer. */
  | { readonly failed: string; readonly code?: string };

/** Longer than the program itself waits for the controller. */
const startMs = 10_000;

export function askContainer(project: ComposeProject): Ask {
  return async (process, request) => {
    const { status, stdout, stderr } = await compose(
      project,
      ["exec", "--no-TTY", process, "node", "/mesh/scripts/control/ask.ts"],
      { input: JSON.stringify(request), deadlineMs: request.deadlineMs + startMs },
    );
    if (status !== 0) throw new Error(stderr.trim() || `docker compose exec ended with ${status ?? "a signal"}`);
    const answer: ContainerAnswer = JSON.parse(stdout);
    if ("failed" in answer) throw Object.assign(new Error(answer.failed), { code: answer.code });
    return { ...answer, headers: {} };
  };
}
