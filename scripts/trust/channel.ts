// One gRPC channel to a SPIRE Server's admin socket: loads the .proto files on first use, gives every call a deadline,
// and turns a gRPC status into a MeshError that names the server, the call and the code.

import { join } from "node:path";

import type * as Grpc from "@grpc/grpc-js";
import type { MethodDefinition, PackageDefinition } from "@grpc/proto-loader";

import { MeshError } from "../errors.ts";

export interface ChannelOptions {
  /** Name for messages, e.g. `spire-server-broker`; the socket's path unless given. */
  readonly server?: string;
  /** Deadline of each call; 5000 unless given. */
  readonly deadlineMs?: number;
}

export interface Channel {
  readonly server: string;
  /** Calls e.g. `entry.v1.Entry`, `ListEntries`. The answer is a decoded message, still to be narrowed. */
  readonly call: (service: string, method: string, request?: object) => Promise<object>;
  /** A gRPC status by name. */
  readonly codeName: (code: number) => string;
  readonly close: () => void;
}

/**
 * The largest answer that is taken. gRPC's own limit, 4 MiB, is less than what a partner can have SPIRE Server hold; with
 * none, one answer could take all memory.
 */
export const maxMessageBytes = 16 * 1024 * 1024;

const protoFiles = ["agent.proto", "bundle.proto", "entry.proto", "localauthority.proto", "trustdomain.proto"];

interface Library {
  readonly grpc: typeof Grpc;
  readonly definitions: PackageDefinition;
}

let library: Promise<Library> | undefined;

/**
 * Loads the gRPC library and the .proto files, once per process: about 0.1 s of CPU, so nobody pays for it who does
 * not speak to a server. A caller on the cold start path may await it before it starts anything.
 */
export function loadServerApi(): Promise<Library> {
  library ??= load();
  return library;
}

async function load(): Promise<Library> {
  const [grpc, protoLoader] = await Promise.all([import("@grpc/grpc-js"), import("@grpc/proto-loader")]);
  const definitions = protoLoader.loadSync(protoFiles, {
    includeDirs: [join(import.meta.dirname, "proto")],
    defaults: true,
    oneofs: true,
    longs: Number,
  });
  return { grpc, definitions };
}

/** Opens a channel. It dials on the first call, so nothing is thrown here when the server is not there. */
export async function openChannel(adminSocket: string, options: ChannelOptions = {}): Promise<Channel> {
  const { grpc, definitions } = await loadServerApi();
  const { server = adminSocket, deadlineMs = 5000 } = options;
  const client = new grpc.Client(`unix:${adminSocket}`, grpc.credentials.createInsecure(), {
    // gRPC's own back-off starts at 1 s: right for a network, wrong for a socket that appears in a moment.
    "grpc.initial_reconnect_backoff_ms": 10,
    "grpc.max_reconnect_backoff_ms": 50,
    "grpc.max_receive_message_length": maxMessageBytes,
  });
  return {
    server,
    codeName: (code) => grpc.status[code] ?? String(code),
    close: () => client.close(),
    call: (service, method, request = {}) => {
      const definition = methodOf(definitions, service, method);
      const { promise, resolve, reject } = Promise.withResolvers<object>();
      client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          if (error !== null)
            reject(callError(server, `${shortName(service)}.${method}`, error, grpc.status[error.code]));
          else resolve(response ?? {});
        },
      );
      return promise;
    },
  };
}

/**
 * True for the error of a call that reached no server, or one that is still starting: worth another look. A socket
 * that this user may not open is not that: waiting does not help.
 */
export function isNotUpYet(error: unknown): boolean {
  const status = statusOf(error);
  return status?.code === unavailable && !isForbidden(status.details);
}

/** True for the error of a call for which the admin socket may not be opened. */
export function isForbiddenSocket(error: unknown): boolean {
  const status = statusOf(error);
  return status?.code === unavailable && isForbidden(status.details);
}

/** True for the error of a call whose answer is larger than `maxMessageBytes`. */
export function isTooLarge(error: unknown): boolean {
  const status = statusOf(error);
  return status?.code === resourceExhausted && status.details.includes("larger than max");
}

/** True for the error of a call about something that the server does not have. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error)?.code === notFound;
}

// google.rpc.Code. Not taken from the library, which is loaded on demand.
const notFound = 5;
const resourceExhausted = 8;
const unavailable = 14;

function statusOf(error: unknown): { readonly code: number; readonly details: string } | undefined {
  const cause = error instanceof MeshError && error.code === "MESH_SPIRE_API" ? error.cause : undefined;
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "number") return undefined;
  return { code: cause.code, details: cause.message };
}

function isForbidden(details: string): boolean {
  return /\b(EACCES|EPERM)\b/.test(details);
}

function callError(server: string, call: string, error: Grpc.ServiceError, code = String(error.code)): MeshError {
  const options = { cause: error };
  if (isForbidden(error.details)) {
    return new MeshError("MESH_SPIRE_API", `${server}: this user may not open its admin socket`, {
      ...options,
      fix: "run the command as the user that started the mesh",
    });
  }
  return new MeshError("MESH_SPIRE_API", `${server} did not do ${call}: ${code}: ${error.details}`, options);
}

function methodOf(definitions: PackageDefinition, service: string, method: string): MethodDefinition<object, object> {
  const definition = definitions[`spire.api.server.${service}`];
  // A service has methods; messages and enums have a format instead.
  const found = definition === undefined || "format" in definition ? undefined : definition[method];
  if (found === undefined) throw new Error(`the .proto files of trust/ do not have ${service}.${method}`);
  return found;
}

function shortName(service: string): string {
  return service.slice(service.lastIndexOf(".") + 1);
}
