// Stands where the app under attack would: on its Unix socket, behind its sidecar. It answers 200 to everything and keeps
// every byte it got, connection by connection, so that a smuggled request cannot hide.

import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Socket } from "node:net";

export interface AppWitness extends AsyncDisposable {
  /** Everything received since the last call, connection by connection. */
  readonly take: () => string[];
  /** Answers with these raw bytes from now on; undefined: with 200. */
  readonly answerWith: (raw: string | undefined) => void;
  /** Ends every connection: the next request needs a new one. */
  readonly hangUp: () => void;
}

const fine = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";

export async function startAppWitness(socketPath: string): Promise<AppWitness> {
  let received: { text: string }[] = [];
  let raw: string | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    let record: { text: string } | undefined;
    let pending = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      if (record === undefined || !received.includes(record)) received.push((record = { text: "" }));
      record.text += text;
      pending += text;
      if (!pending.includes("\r\n\r\n")) return;
      pending = "";
      socket.write(raw ?? fine);
    });
  });
  server.listen(socketPath);
  await once(server, "listening");
  // Its folder says who may enter: the sidecar, by its group.
  await chmod(socketPath, 0o770);
  return {
    take: () => {
      const all = received.map(({ text }) => text);
      received = [];
      return all;
    },
    answerWith: (bytes) => (raw = bytes),
    hangUp: () => {
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.emit("close");
    },
  };
}

/** Request lines in what an app received: the smuggled ones too. */
export function requestsIn(received: readonly string[]): string[] {
  return received.flatMap((text) =>
    [...text.matchAll(/^([A-Z]+ \S+) HTTP\/1\.[01]\r$/gm)].map(([, line = ""]) => line),
  );
}
