// ClientHellos that no client sends.

import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probePlain, type Seen } from "../instance/probe.ts";

/** One handshake message of 128 KiB, in records of 16 KiB. */
export function hugeHello(): Buffer {
  const records = Array.from({ length: 8 }, (_, index) => {
    const body = Buffer.alloc(16_384, 0x41);
    if (index === 0) body.set([0x01, 0x02, 0x00, 0x00, 0x03, 0x03]);
    return Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00]), body]);
  });
  return Buffer.concat(records);
}

/** A message that promises 300 bytes, one byte a record, and ends as no ClientHello does. */
export async function fragmented(mesh: PrivateMesh): Promise<Seen> {
  const message = Buffer.alloc(304, 0x41);
  message.set([0x01, 0x00, 0x01, 0x2c, 0x03, 0x03]);
  const records = [...message].map((byte) => Buffer.from([0x16, 0x03, 0x01, 0x00, 0x01, byte]));
  return probePlain(inboundOf(mesh.callee), Buffer.concat(records));
}
