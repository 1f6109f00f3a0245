// What the contract asks its questions of: an app that runs, wherever it was started.

import { Client, Pool, type Dispatcher } from "undici";

import type { HostPort } from "../model/mesh.ts";

export interface Candidate {
  /** Where its sidecar reaches it. */
  readonly address: { readonly socket: string } | HostPort;
  /** Path of its health route. */
  readonly health: string;
  /** The API it is to have; undefined: none is named. */
  readonly api: ApiDocument | undefined;
  /** Its process; undefined while it does not run, or where it cannot be seen. */
  readonly pid: () => Promise<number | undefined>;
  /** Sends it SIGTERM, and returns how it ended once something runs in its place. */
  readonly terminate: () => Promise<Ended>;
}

export interface Ended {
  readonly code?: number;
  readonly signal?: string;
  readonly ms: number;
}

/** As much of an OpenAPI document as is used (OpenAPI 3.1, 4.8). */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly required?: boolean }[];
  readonly responses: Readonly<Record<string, object>>;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const answerMs = 5000;

/** A pool of connections to it, as its sidecar has. Dispose of it. */
export function poolTo({ address }: Pick<Candidate, "address">, connections: number): Pool & AsyncDisposable {
  return disposable(new Pool(originOf(address), { ...optionsOf(address), connections, pipelining: 1 }));
}

/** One connection. Dispose of it. */
export function connectionTo({ address }: Pick<Candidate, "address">): Client & AsyncDisposable {
  return disposable(new Client(originOf(address), { ...optionsOf(address), pipelining: 1 }));
}

function disposable<T extends Dispatcher>(dispatcher: T): T & AsyncDisposable {
  return Object.assign(dispatcher, { [Symbol.asyncDispose]: () => dispatcher.destroy() });
}

function originOf(address: Candidate["address"]): string {
  return "socket" in address ? "http://app" : `http://${address.host}:${address.port}`;
}

function optionsOf(address: Candidate["address"]) {
  const times = { headersTimeout: answerMs, bodyTimeout: answerMs, connectTimeout: answerMs, keepAliveTimeout: 60_000 };
  return "socket" in address ? { ...times, socketPath: address.socket } : times;
}

/** One request and its whole answer. Rejects when there is none. */
export async function ask(
  dispatcher: Dispatcher,
  path: string,
  options: Partial<Pick<Dispatcher.RequestOptions, "method" | "headers" | "body">> = {},
): Promise<Answer> {
  const { statusCode, headers, body } = await dispatcher.request({ method: "GET", path, ...options });
  return { status: statusCode, contentType: String(headers["content-type"] ?? ""), body: await body.text() };
}

/** GET routes that can be asked for as they stand: without parameters that must be given. */
export function plainRoutes(api: ApiDocument | undefined): string[] {
  return Object.entries(api?.paths ?? {}).flatMap(([path, { get }]) => {
    const needs = get?.parameters?.some(({ required }) => required === true) === true || path.includes("{");
    return get === undefined || needs ? [] : [path];
  });
}
