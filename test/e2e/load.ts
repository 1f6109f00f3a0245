// Requests without a pause from several connections, as long as a test changes something. Every one of them counts.

import { Agent, request } from "undici";

import { nextRound, until } from "../../scripts/wait.ts";

export interface Failure {
  /** Milliseconds since the load began. */
  readonly at: number;
  readonly what: string;
}

export interface LoadReport {
  readonly requests: number;
  readonly failures: readonly Failure[];
}

export interface Load extends AsyncDisposable {
  readonly report: () => LoadReport;
  /** Resolves when so many more requests have been answered, well or not. */
  readonly more: (requests: number) => Promise<void>;
  /** Ends it after the requests under way. */
  readonly end: () => Promise<LoadReport>;
}

export interface LoadOptions {
  readonly connections?: number;
  /** Milliseconds that a connection rests between two requests. */
  readonly restMs?: number;
}

/** Begins to GET `url`; anything but a 200 within 10 s, body included, is a failure. */
export function beginLoad(url: string, { connections = 4, restMs = 5 }: LoadOptions = {}): Load {
  const begun = performance.now();
  const ending = new AbortController();
  const agent = new Agent({ connections, headersTimeout: 10_000, bodyTimeout: 10_000, connect: { timeout: 5000 } });
  const failures: Failure[] = [];
  let requests = 0;
  const client = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const problem = await problemOf(url, agent);
      requests += 1;
      if (problem !== undefined) failures.push({ at: Math.round(performance.now() - begun), what: problem });
      await nextRound(restMs, ending.signal);
    }
  };
  const clients = Promise.all(Array.from({ length: connections }, client));
  const end = async (): Promise<LoadReport> => {
    ending.abort();
    await clients;
    await agent.destroy();
    return { requests, failures };
  };
  return {
    report: () => ({ requests, failures }),
    more: async (count) => {
      const goal = requests + count;
      await until(`${count} more requests have been answered`, () => requests >= goal, { deadlineMs: 30_000 });
    },
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

async function problemOf(url: string, agent: Agent): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(url, { dispatcher: agent });
    const text = await body.text();
    return statusCode === 200 ? undefined : `${statusCode} ${text.slice(0, 300)}`;
  } catch (error) {
    return String(error);
  }
}
