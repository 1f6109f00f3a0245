// Names that one process of the machine can hold at a time, for as long as it lives: abstract Unix sockets (unix(7)).
// The kernel lets go when the process ends, so nothing stale is ever left, and the names are per network namespace,
// just like the loopback addresses that they stand for.

import { createServer } from "node:net";

import { systemErrorCode } from "../errors.ts";

/** Held while a command decides on a block, until the supervisor holds the block itself. */
export function choosingName(kind: "loopback" | "users", block: number): string {
  return `mesh/${kind}/${block}/choosing`;
}

/** Held by the supervisor of the mesh that uses the block. */
export function heldName(block: number): string {
  return `mesh/loopback/${block}`;
}

/** Takes a name; undefined when another process has it. Holding it does not keep this process alive. */
export async function holdName(name: string): Promise<AsyncDisposable | undefined> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<AsyncDisposable | undefined>();
  server.once("error", (error) => {
    if (systemErrorCode(error) === "EADDRINUSE") resolve(undefined);
    else reject(error);
  });
  server.listen({ path: `\0${name}` }, () =>
    resolve({
      [Symbol.asyncDispose]: async () => {
        const closed = Promise.withResolvers<void>();
        server.close(() => closed.resolve());
        await closed.promise;
      },
    }),
  );
  server.unref();
  return promise;
}
