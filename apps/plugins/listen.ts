// Listening where LISTEN says. A Unix socket left by a process that died is replaced; one that a live process serves is
// not.

import type { Stats } from "node:fs";
import { chmod, lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";

import type { FastifyInstance } from "fastify";

import { formatAddress, type Address } from "./address.ts";

/** The folder says who may come near the socket; whoever shares its group may connect. */
const socketMode = 0o660;

/** An address cannot be listened on, for a reason that the message names. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Starts listening; `app` must have all its routes.
 *
 * @throws ListenError when the address is taken, forbidden or not there
 */
export async function listen(app: FastifyInstance, address: Address): Promise<void> {
  try {
    if (!("socket" in address)) {
      await app.listen({ host: address.host, port: address.port });
      return;
    }
    await removeStaleSocket(address.socket);
    await app.listen({ path: address.socket });
    await chmod(address.socket, socketMode);
  } catch (error) {
    if (error instanceof ListenError) throw error;
    const reason = await reasonOf(error, address);
    throw new ListenError(`cannot listen on ${formatAddress(address)}: ${reason}`, { cause: error });
  }
}

/** @throws ListenError when something else than a socket nobody serves is there */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await statusOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ListenError(`cannot listen on unix:${path}: a file that is no socket is there`);
  if (await isServed(path)) throw new ListenError(`cannot listen on unix:${path}: a live process serves it`);
  await rm(path, { force: true });
}

/** Whether somebody accepts connections on a socket: connecting to one whose process died is refused. */
async function isServed(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const connection = connect({ path });
  connection.once("connect", () => resolve(true));
  connection.once("error", (error) => {
    const code = codeOf(error);
    // EAGAIN: its queue of connections is full, so it lives.
    if (code === "EAGAIN") resolve(true);
    else if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
    else reject(error);
  });
  try {
    return await promise;
  } finally {
    connection.destroy();
  }
}

async function reasonOf(error: unknown, address: Address): Promise<string> {
  const code = codeOf(error);
  if (code === "EADDRINUSE") return "the address is taken";
  // Node says EACCES also when the folder of a socket is missing.
  if ("socket" in address && !(await isThere(dirname(address.socket)))) return "its folder does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

async function isThere(path: string): Promise<boolean> {
  return (await statusOf(path)) !== undefined;
}

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
