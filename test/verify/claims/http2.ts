// HTTP/2 as an attacker would write it by hand (RFC 9113 3.4, 4.1). No sidecar speaks it: whatever follows the preface is
// refused with the preface.

import type { Attempt } from "../claim.ts";
import { malformed, send } from "./requests.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const types = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, continuation: 9 } as const;

export interface FrameFields {
  readonly stream?: number;
  readonly flags?: number;
  readonly payload?: Buffer;
}

export const endStream = 0x1;
export const endHeaders = 0x4;

export function frame(
  type: keyof typeof types,
  { stream = 0, flags = 0, payload = Buffer.alloc(0) }: FrameFields = {},
) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as literals without indexing (RFC 7541 6.2.2), whose bytes may be anything. */
export function literals(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), stringOf(name), stringOf(value)]));
}

function stringOf(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The preface, and these frames with it, from the rightful caller. */
export function overHttp2(tried: string, frames: readonly Buffer[]): Attempt {
  return {
    tried,
    expected: malformed,
    run: (mesh) => send(mesh, Buffer.concat([preface, frame("settings"), ...frames]), { ALPNProtocols: ["h2"] }),
  };
}

/** A request of one frame, on stream 1. */
export function overHttp2Request(
  tried: string,
  extra: readonly (readonly [name: string, value: string])[],
  body?: string,
): Attempt {
  const all = [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/admin"],
    [":authority", "admin"],
    ...extra,
  ] as const;
  const flags = body === undefined ? endHeaders | endStream : endHeaders;
  const data = body === undefined ? [] : [frame("data", { stream: 1, flags: endStream, payload: Buffer.from(body) })];
  return overHttp2(tried, [frame("headers", { stream: 1, flags, payload: literals(all) }), ...data]);
}
