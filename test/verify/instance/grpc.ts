// Requests of SPIRE's APIs as protocol buffers, for attackers who have no library: strings, bytes and messages by field.

type Field = string | Uint8Array;

/** A message in base64: its fields by number, all of them length-delimited. */
export function message(fields: readonly (readonly [number: number, value: Field])[]): string {
  return Buffer.from(encoded(fields)).toString("base64");
}

export function encoded(fields: readonly (readonly [number: number, value: Field])[]): Uint8Array {
  return Buffer.concat(
    fields.map(([number, value]) => {
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
