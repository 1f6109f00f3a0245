// Speaks with the app apps/witness.ts over its published page.

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly caller?: string;
}

export interface Answer {
  readonly status?: number;
  readonly body?: string;
  /** Why there was no answer at all. */
  readonly problem?: string;
}

export interface Witness {
  /** Everything that reached the app but what is said here. */
  readonly received: () => Promise<readonly Received[]>;
  /** Has the app call one of its upstreams. */
  readonly call: (upstream: string, path: string, method?: string) => Promise<Answer>;
}

export function witness(port: number): Witness {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(15_000) });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`the witness answered ${response.status} to ${path}: ${text}`);
    const value: T = JSON.parse(text);
    return value;
  };
  return {
    received: () => get("/received"),
    call: (upstream, path, method = "GET") =>
      get(`/call?${new URLSearchParams({ upstream, path, method }).toString()}`),
  };
}
