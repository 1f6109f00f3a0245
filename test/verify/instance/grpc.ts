// Requests of SPIRE's APIs as protocol buffers, for attackers who have no library: each field by its number.

type Field = string | Uint8Array | number;

/** A message in base64. */
export function message(fields: readonly (readonly [number: number, value: Field])[]): string {
  return Buffer.from(encoded(fields)).toString("base64");
}

export function encoded(fields: readonly (readonly [number: number, value: Field])[]): Uint8Array {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === "number") return Buffer.concat([varint(number * 8), varint(value)]);
      const bytes = Buffer.from(value);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
