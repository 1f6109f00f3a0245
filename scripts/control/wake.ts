// Lets a loop rest until its next round is due or something happens in a folder that it watches: a server's socket
// appears, a partner introduces itself. Nothing polls.

import { watch, type FSWatcher } from "node:fs";

import { nextRound } from "../wait.ts";

export interface Wake {
  /** Ends the present rest, or the next one at once. */
  readonly now: () => void;
  /** Folders whose changes wake the loop. Those that are not there yet are tried again at the next call. */
  readonly watchFolders: (folders: readonly string[]) => void;
  /**
   * Rests for at most `ms`; true when something woke it. It wakes at once, but not more often than every `gapMs`: a
   * partner that touches its file without end must not keep this trust domain's controller busy.
   */
  readonly rest: (ms: number, signal: AbortSignal) => Promise<boolean>;
  readonly close: () => void;
}

export function wakeOnChange({ gapMs = 1000 }: { readonly gapMs?: number } = {}): Wake {
  let wokenAt = -Infinity;
  const watchers = new Map<string, FSWatcher>();
  let alarm = new AbortController();
  const now = (): void => alarm.abort();
  const forget = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    now,
    watchFolders: (folders) => {
      for (const folder of watchers.keys()) if (!folders.includes(folder)) forget(folder);
      for (const folder of folders) {
        if (watchers.has(folder)) continue;
        try {
          const watcher = watch(folder, now);
          watcher.on("error", () => forget(folder));
          watchers.set(folder, watcher);
        } catch {
          // Not there yet, or not readable by this user: the next round comes anyway, only later.
        }
      }
    },
    rest: async (ms, signal) => {
      await nextRound(ms, AbortSignal.any([signal, alarm.signal]));
      const woken = alarm.signal.aborted;
      if (woken) await nextRound(Math.max(0, wokenAt + gapMs - performance.now()), signal);
      if (woken) wokenAt = performance.now();
      alarm = new AbortController();
      return woken;
    },
    close: () => {
      for (const folder of watchers.keys()) forget(folder);
    },
  };
}
