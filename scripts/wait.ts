// The only place that lets time pass: a wait is for a named condition with a deadline, never for a duration.

import { setTimeout as pause } from "node:timers/promises";

import { MeshError } from "./errors.ts";

export interface WaitOptions {
  /** Milliseconds until the wait fails with MESH_TIMEOUT. */
  readonly deadlineMs: number;
  /** Milliseconds between two looks; 10 unless given. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** What to say beside the unmet condition when time is up, e.g. the last thing that was seen. */
  readonly lastSeen?: () => string | undefined;
  readonly fix?: string;
}

/**
 * Looks until `look` returns something other than undefined or false, and returns that.
 *
 * @param condition a fact that will be true, e.g. "spire-server-broker answers on its admin socket"
 * @throws MeshError MESH_TIMEOUT naming the condition; whatever `look` throws; the signal's reason when aborted
 */
export async function until<T>(
  condition: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    options.signal?.throwIfAborted();
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    const waitedMs = performance.now() - start;
    if (waitedMs >= options.deadlineMs) {
      const last = options.lastSeen?.();
      throw new MeshError(
        "MESH_TIMEOUT",
        `after ${(waitedMs / 1000).toFixed(1)} s still not true: ${condition}${last === undefined ? "" : ` (${last})`}`,
        options.fix === undefined ? {} : { fix: options.fix },
      );
    }
    await rest(options.intervalMs ?? 10, options.signal);
  }
}

/** Node rejects an aborted timer with an AbortError of its own; what counts is why it was aborted. */
async function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Waits between two rounds of something that repeats for ever (a reconcile loop, a back-off); ends early when aborted. */
export async function nextRound(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
