// A folder that is removed after the test, and servers on Unix sockets in it that are closed then.

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type Agent, type IncomingMessage, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test as base } from "vitest";

export interface Served {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Fixtures {
  /** An empty folder with a path short enough for sockets. */
  dir: string;
  /** Serves HTTP on `<dir>/<name>.sock` and returns that path. */
  serve: (name: string, listener: RequestListener) => Promise<string>;
}

export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads a fixture's needs from this pattern
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), "apps-"));
    await use(dir);
    await rm(dir, { recursive: true });
  },
  serve: async ({ dir }, use) => {
    const closers: (() => void)[] = [];
    await use(async (name, listener) => {
      const socket = join(dir, `${name}.sock`);
      const server = createServer(listener);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject).listen(socket, resolve);
      await promise;
      closers.push(() => {
        server.close();
        server.closeAllConnections();
      });
      return socket;
    });
    for (const close of closers) close();
  },
});

/** One GET over a Unix socket; with a keep-alive agent given, over one of its connections. */
export async function get(socketPath: string, path: string, agent?: Agent): Promise<Served> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request({ socketPath, path, ...(agent === undefined ? {} : { agent }) }, resolve)
    .once("error", reject)
    .end();
  const response = await promise;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** Log lines, parsed, as an app writes them. */
export function logOf(): { write: (line: string) => void; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  return { write: (line) => void written.push(line), lines: () => written.map((line) => JSON.parse(line)) };
}
