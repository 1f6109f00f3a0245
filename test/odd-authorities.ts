// CA certificates at the edges of X.509, made of a sound one: SPIRE Server and Node read all of them, Envoy reads none.
// Nobody checks the signature of a root.

import { readValues, within, type DerValue } from "../scripts/spiffe/der.ts";

type Edit = (fields: DerValue[]) => DerValue[];

const at =
  (index: number, value: DerValue): Edit =>
  (fields) =>
    fields.with(index, value);
const utf8Name = (text: string): DerValue =>
  sequence([{ tag: 0x31, content: encoded(sequence([{ tag: 0x06, content: Buffer.of(0x55, 4, 10) }, utf8(text)])) }]);
const named =
  (name: DerValue): Edit =>
  (fields) =>
    fields.with(3, name).with(5, name);

/** By what is odd; `fields` are those of TBSCertificate (RFC 5280, 4.1). */
const edits: Readonly<Record<string, Edit>> = {
  "version 1, with extensions": ([, ...fields]) => fields,
  "version 2, with extensions": at(0, { tag: 0xa0, content: Buffer.of(2, 1, 1) }),
  "a time that is not in UTC": at(4, sequence([time("261101000000Z", 0x17), time("20361101000000+0100", 0x18)])),
  "a unique identifier of the issuer with bad padding": (fields) =>
    fields.toSpliced(7, 0, { tag: 0x81, content: Buffer.of(3, 0xff) }),
  "a name with a character that is none": named(utf8Name("\u{FFFE}")),
  "a name with the last code point": named(utf8Name("\u{10FFFF}")),
  "a name with a part that is empty": named(sequence([{ tag: 0x31, content: Buffer.alloc(0) }])),
};

export const oddities: readonly string[] = Object.keys(edits);

const absurd: DerValue = { tag: 0x06, content: Buffer.of(0x80, 0x01) };
const lone = (tag: number): DerValue =>
  sequence([
    {
      tag: 0x31,
      content: encoded(
        sequence([
          { tag: 0x06, content: Buffer.of(0x55, 4, 10) },
          { tag, content: Buffer.of(0xd8, 0) },
        ]),
      ),
    },
  ]);

/** Of these too the form is asked; whether a parser minds was not seen for each. By what is odd, with how it is refused. */
const departures: Readonly<Record<string, { readonly edit: Edit; readonly refused: RegExp }>> = {
  "a subject of a character that is none": { edit: at(5, utf8Name("\u{FFFE}")), refused: /^has a name/ },
  "an issuer of a character that is none": { edit: at(3, utf8Name("\u{FFFE}")), refused: /^has a name/ },
  "half a character": { edit: named(lone(0x1e)), refused: /^has a name|cannot be read/ },
  "an algorithm whose number is not in its shortest form": {
    edit: at(2, sequence([absurd])),
    refused: /algorithm|cannot be read/,
  },
  "an algorithm with a NULL that holds something": {
    edit: (fields) =>
      fields.with(2, sequence([...within(fields[2], 0x30).slice(0, 1), { tag: 5, content: Buffer.of(0) }])),
    refused: /algorithm|cannot be read/,
  },
};

export const departed: readonly string[] = Object.keys(departures);

/** @param sound DER of a CA certificate of version 3 */
export function departedAuthority(sound: Uint8Array, departure: string) {
  const found = departures[departure];
  if (found === undefined) throw new Error(`there is no departure ${departure}`);
  return { der: edited(sound, found.edit), refused: found.refused };
}

/** @param sound DER of a CA certificate of version 3 */
export function oddAuthority(sound: Uint8Array, oddity: string): Buffer {
  const edit = edits[oddity];
  if (edit === undefined) throw new Error(`there is no oddity ${oddity}`);
  return edited(sound, edit);
}

/** A CA that everybody reads, with a name of so many characters; as its own issuer, unless only one of the two is asked for. */
export function longNamedAuthority(sound: Uint8Array, length: number, only?: "issuer" | "subject"): Buffer {
  const name = utf8Name("n".repeat(length));
  if (only === undefined) return edited(sound, named(name));
  return edited(sound, at(only === "issuer" ? 3 : 5, name));
}

function edited(sound: Uint8Array, edit: Edit): Buffer {
  const [whole] = readValues(sound);
  const [tbs, ...rest] = within(whole, 0x30);
  return encoded(sequence([sequence(edit(within(tbs, 0x30))), ...rest]));
}

function sequence(values: readonly DerValue[]): DerValue {
  return { tag: 0x30, content: Buffer.concat(values.map(encoded)) };
}

function utf8(text: string): DerValue {
  return { tag: 0x0c, content: Buffer.from(text) };
}

function time(text: string, tag: number): DerValue {
  return { tag, content: Buffer.from(text) };
}

function encoded({ tag, content }: DerValue): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const hex = length.toString(16);
  const digits = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 + digits.length), digits, content]);
}
