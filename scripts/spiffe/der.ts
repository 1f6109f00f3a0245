// Reads DER (ITU-T X.690, 10 and 11): lengths are definite and as short as they can be. A leaf, as far as certificates need it.

export interface DerValue {
  /** Class, constructed bit and number, as encoded: 0x30 is a SEQUENCE. */
  readonly tag: number;
  readonly content: Uint8Array;
}

export class DerError extends Error {}

/** The values that follow each other in `bytes`, to the end. @throws DerError */
export function readValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const { tag, from, length } = readHeader(bytes, at);
    if (from + length > bytes.length) throw new DerError("a value is longer than what holds it");
    values.push({ tag, content: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return values;
}

/** What a SEQUENCE, a SET or an explicit tag holds. @throws DerError when it is something else */
export function within(value: DerValue | undefined, tag: number): DerValue[] {
  if (value?.tag !== tag) throw new DerError(`${inHex(tag)} is expected where ${inHex(value?.tag)} is`);
  return readValues(value.content);
}

function readHeader(bytes: Uint8Array, at: number) {
  const [tag = 0, first] = bytes.subarray(at);
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag takes more than a byte");
  if (first === undefined) throw new DerError("a length is missing");
  if (first < 0x80) return { tag, from: at + 2, length: first };
  const digits = bytes.subarray(at + 2, at + 2 + (first & 0x7f));
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  if (digits.length === 0 || digits.length > 4 || digits.length < (first & 0x7f) || digits[0] === 0 || length < 0x80)
    throw new DerError("a length is not in its only form");
  return { tag, from: at + 2 + digits.length, length };
}

function inHex(tag: number | undefined): string {
  return tag === undefined ? "nothing" : `0x${tag.toString(16)}`;
}
