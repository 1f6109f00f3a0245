// Rules about how an app holds up: many requests at once, large and slow ones, connections that are kept.

import { Readable } from "node:stream";

import { ask, connectionTo, plainRoutes, poolTo, type Candidate } from "./candidate.ts";
import { nextRound } from "../wait.ts";
import { failed, notChecked, passed, type Finding } from "./verdict.ts";

const many = { requests: 400, connections: 32 } as const;

/** All of them answered, and alike. */
export async function concurrency(candidate: Candidate): Promise<Finding> {
  const path = pathOf(candidate);
  await using pool = poolTo(candidate, many.connections);
  const begun = performance.now();
  const asked = await Promise.allSettled(Array.from({ length: many.requests }, () => ask(pool, path)));
  const good = asked.filter((one) => one.status === "fulfilled" && one.value.status === 200).length;
  const told = `${good} of ${many.requests} requests on ${many.connections} connections, ${Math.round(performance.now() - begun)} ms`;
  return good === many.requests ? passed(told) : failed(told);
}

/** The sidecar closes idle connections after 3 s: an app that closes first makes a request fail. */
export async function keptConnections(candidate: Candidate): Promise<Finding> {
  const path = pathOf(candidate);
  await using connection = connectionTo(candidate);
  let connects = 0;
  connection.on("connect", () => (connects += 1));
  await ask(connection, path);
  await nextRound(4000, new AbortController().signal);
  const { status } = await ask(connection, path);
  if (connects > 1) return failed("it closed a connection that was idle for 4 s; the sidecar keeps them for 3");
  return status === 200
    ? passed("the same connection after 4 s of silence")
    : failed(`the second answer was ${status}`);
}

const largeBytes = 4 * 1024 * 1024;

/** A body that nobody asked for may be refused, but the app goes on. */
export async function largeBodies(candidate: Candidate): Promise<Finding> {
  const path = pathOf(candidate);
  const sent = await sendLarge(candidate, path);
  if (typeof sent === "number" && sent >= 500) return failed(`POST ${path} of 4 MiB: ${sent}`);
  await using pool = poolTo(candidate, 1);
  const after = await ask(pool, path);
  const how = typeof sent === "number" && sent < 400 ? "taken" : "refused";
  return after.status === 200 ? passed(`4 MiB in pieces are ${how}; then 200`) : failed(`after 4 MiB: ${after.status}`);
}

/** The status; or, when it closed before it had read all, that. */
async function sendLarge(candidate: Candidate, path: string): Promise<number | string> {
  await using pool = poolTo(candidate, 1);
  try {
    return (
      await ask(pool, path, {
        method: "POST",
        headers: { "content-type": "text/plain" },
        body: Readable.from(pieces()),
      })
    ).status;
  } catch {
    return "closed"; // RFC 9112, 9.3: it need not read what it refuses.
  }
}

async function* pieces(): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(64 * 1024, "x");
  for (let bytes = 0; bytes < largeBytes; bytes += piece.length) yield piece;
}

/** Reads an answer piece by piece, with pauses. One that ends before the length it names rejects (undici). */
export async function slowReaders(candidate: Candidate): Promise<Finding> {
  const path = pathOf(candidate);
  const [known] = plainRoutes(candidate.api);
  if (known === undefined) return notChecked("no route with an answer of its own is known");
  await using pool = poolTo(candidate, 2);
  const { statusCode, body } = await pool.request({ method: "GET", path });
  let bytes = 0;
  for await (const piece of body) {
    if (Buffer.isBuffer(piece)) bytes += piece.length;
    await nextRound(20, new AbortController().signal);
  }
  return statusCode === 200 && bytes > 0
    ? passed(`${bytes} bytes, read with pauses`)
    : failed(`${statusCode}, ${bytes} bytes`);
}

/** A route of the API where one is known. */
function pathOf(candidate: Candidate): string {
  return plainRoutes(candidate.api)[0] ?? candidate.health;
}
