// Requests at a fixed rate, whether or not those before have been answered, on kept connections and on new ones: nobody who is
// slow, or gone for a moment, is spared by it.

import { Agent, request } from "undici";

import { nextRound } from "../../scripts/wait.ts";

export interface OpenLoadReport {
  readonly sent: number;
  readonly failures: readonly string[];
}

export interface OpenLoad {
  /** Ends it, and waits for the answers that are still to come. */
  readonly end: () => Promise<OpenLoadReport>;
}

const answerMs = 10_000;
/** Every so many requests one on a connection of its own. */
const everyNew = 5;

/** Begins to GET `path` over a Unix socket, or at an origin such as `http://127.0.0.1:8080`, `perSecond` times a second. */
export function beginOpenLoad(
  to: string,
  { path, perSecond }: { readonly path: string; readonly perSecond: number },
): OpenLoad {
  const isSocket = to.startsWith("/");
  const connect = isSocket ? { socketPath: to } : {};
  const origin = isSocket ? "http://app" : to;
  const kept = new Agent({ connect, connections: 64, headersTimeout: answerMs, bodyTimeout: answerMs });
  const ending = new AbortController();
  const failures: string[] = [];
  const pending = new Set<Promise<void>>();
  let sent = 0;
  const send = async (isNew: boolean): Promise<void> => {
    const own = isNew ? new Agent({ connect, connections: 1, pipelining: 0 }) : undefined;
    try {
      const { statusCode, body } = await request(`${origin}${path}`, { dispatcher: own ?? kept });
      const text = await body.text();
      if (statusCode !== 200) failures.push(`${statusCode} ${text.slice(0, 120)}`);
    } catch (error) {
      failures.push(String(error));
    } finally {
      await own?.close();
    }
  };
  const begun = performance.now();
  const loop = (async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      for (; sent < due; sent += 1) {
        const one = send(sent % everyNew === 0).finally(() => pending.delete(one));
        pending.add(one);
      }
      await nextRound(2, ending.signal);
    }
  })();
  return {
    end: async () => {
      ending.abort();
      await loop;
      await Promise.all(pending);
      await kept.close();
      return { sent, failures };
    },
  };
}
