import * as fc from "fast-check";
import { test } from "vitest";

import { callerOf, maxXfccLength, parseXfcc, type XfccElement } from "../../../scripts/spiffe/xfcc.ts";

const by = "By=spiffe://stockmarket.example/quotes-service";
const hash = "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";
const uri = "URI=spiffe://broker.example/webapp";

test("names the caller of the header an Envoy of the mesh writes", ({ expect }) => {
  expect(callerOf(`${by};${hash};${uri}`)).toEqual({
    ok: true,
    id: { uri: "spiffe://broker.example/webapp", trustDomain: "broker.example", path: "/webapp" },
  });
});

test("reads every key Envoy documents, whatever its case, quoted or bare", ({ expect }) => {
  const subject = String.raw`Subject="/C=US/O=\"Lyft, Inc.\"/CN=a;b=c"`;
  const header = `by=spiffe://a.example;BY=spiffe://b.example;hash=ab;CERT="-----BEGIN%20";chain=c;${subject};URI=spiffe://c.example/d;dns=lyft.com;DNS=www.lyft.com`;
  expect(parseXfcc(header)).toEqual({
    ok: true,
    elements: [
      {
        by: ["spiffe://a.example", "spiffe://b.example"],
        uri: ["spiffe://c.example/d"],
        dns: ["lyft.com", "www.lyft.com"],
        hash: "ab",
        cert: "-----BEGIN%20",
        chain: "c",
        subject: `/C=US/O="Lyft, Inc."/CN=a;b=c`,
      },
    ],
  });
});

test("reads a subject as Envoy 1.40 writes it, escaped by RFC 2253, its last character a backslash", ({ expect }) => {
  const header = String.raw`${by};${hash};Subject="CN=a,O=Lyft\, \"Inc\"\\";${uri};DNS=broker.example`;
  expect(parseXfcc(header)).toMatchObject({
    ok: true,
    elements: [{ subject: String.raw`CN=a,O=Lyft\, "Inc"\ `.trim() }],
  });
  expect(callerOf(header)).toMatchObject({ ok: true });
});

test("reads several hops but names no caller from them", ({ expect }) => {
  const header = `${by};${uri},${by};URI=spiffe://evil.example/x`;
  expect(parseXfcc(header)).toMatchObject({ ok: true, elements: [{}, { uri: ["spiffe://evil.example/x"] }] });
  expect(callerOf(header)).toEqual({ ok: false, problem: "the header must have exactly one element" });
});

test.for([
  ["two URIs, the rightful one first", `${by};${uri};URI=spiffe://evil.example/x`],
  ["two URIs, the rightful one last", `URI=spiffe://evil.example/x;${uri}`],
  ["the same URI twice", `${uri};${uri}`],
  ["no URI", `${by};${hash}`],
])("refuses %s", ([, header = ""], { expect }) => {
  expect(parseXfcc(header)).toMatchObject({ ok: true });
  expect(callerOf(header)).toEqual({ ok: false, problem: "the element must have exactly one URI" });
});

test.for([
  ["an empty URI, which Envoy writes for a certificate without one", `${by};${hash};URI=`],
  ["a URI that is no SPIFFE ID", "URI=https://broker.example/webapp"],
  ["an upper-case trust domain", "URI=spiffe://Broker.example/webapp"],
  ["a percent-encoded path", "URI=spiffe://broker.example/web%61pp"],
  ["a quoted comma inside the URI", `URI="spiffe://broker.example/webapp,URI=spiffe://broker.example/admin"`],
])("refuses %s", ([, header = ""], { expect }) => {
  expect(parseXfcc(header)).toMatchObject({ ok: true });
  expect(callerOf(header)).toMatchObject({ ok: false });
});

test.for([
  ["an empty header", ""],
  ["a space", " "],
  ["a bare word", "garbage"],
  ["a SPIFFE ID alone", "spiffe://broker.example/webapp"],
  ["an unknown key", `${uri};Admin=true`],
  ["a key with no value sign", `${uri};By`],
  ["an empty pair", `${uri};`],
  ["an empty pair in the middle", `${by};;${uri}`],
  ["an empty element", `${uri},`],
  ["an empty element in front", `,${uri}`],
  ["a space after the delimiter, as joined headers have it", `${uri}, ${uri}`],
  ["a space before the key", ` ${uri}`],
  ["a space after the value", `${uri} `],
  ["a space around the equals sign", "URI = spiffe://broker.example/webapp"],
  ["a quote that never closes", `URI="spiffe://broker.example/webapp`],
  ["a quote that never opens", `URI=spiffe://broker.example/webapp"`],
  ["an escaped closing quote", String.raw`Subject="CN=x\";URI=spiffe://broker.example/webapp`],
  ["text after a closing quote", `Subject="CN=x"y;${uri}`],
  ["an equals sign in a bare value", "URI=spiffe://broker.example/webapp=x"],
  ["a backslash in a bare value", String.raw`URI=spiffe://broker.example/webapp\x`],
  ["Hash twice", `Hash=aa;Hash=bb;${uri}`],
  ["Subject twice", `Subject="a";subject="b";${uri}`],
  ["NUL", `${uri}\0`],
  ["a line break", `${uri}\r\nx-evil: 1`],
  ["text beyond ASCII", `${uri}é`],
  ["one byte too many", `Subject="${"x".repeat(maxXfccLength - uri.length - 10)}";${uri}`],
  ["16 KiB", `Cert="${"x".repeat(16_384)}";${uri}`],
])("refuses %s as malformed", ([, header = ""], { expect }) => {
  expect(parseXfcc(header)).toMatchObject({ ok: false });
  expect(callerOf(header)).toMatchObject({ ok: false });
});

test("takes a header of the greatest length", ({ expect }) => {
  const header = `Subject="${"x".repeat(maxXfccLength - uri.length - 11)}";${uri}`;
  expect(header).toHaveLength(maxXfccLength);
  expect(callerOf(header)).toMatchObject({ ok: true });
});

test("says what is wrong without repeating the header", ({ expect }) => {
  const secret = "c2VjcmV0";
  for (const header of [secret, `${secret}=1`, `URI="${secret}`, `URI=${secret}`, `URI=a;${secret}=`]) {
    const refusal = callerOf(header);
    expect(refusal.ok).toBe(false);
    expect(JSON.stringify(refusal)).not.toContain(secret);
  }
});

const printable = fc.string({ unit: "grapheme-ascii" });
const elements: fc.Arbitrary<XfccElement[]> = fc.array(
  fc
    .record(
      {
        by: fc.array(printable, { maxLength: 2 }),
        uri: fc.array(printable, { maxLength: 2 }),
        dns: fc.array(printable, { maxLength: 2 }),
        hash: printable,
        cert: printable,
        chain: printable,
        subject: printable,
      },
      { requiredKeys: ["by", "uri", "dns"] },
    )
    .filter((element) => Object.values(element).flat().length > 0),
  { minLength: 1, maxLength: 3 },
);

/** The writer's side of the documented format, with keys in a chosen order and bare values where they may be. */
function written(element: XfccElement): string {
  const pairs = Object.entries(element).flatMap(([key, values]) =>
    [values].flat().map((value): string => {
      const bare = /^[^",;=\\ ]*$/.test(value);
      return `${key}=${bare ? value : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`}`;
    }),
  );
  return pairs.join(";");
}

test("reads back whatever the documented format can write", ({ expect }) => {
  fc.assert(
    fc.property(elements, (wanted) => {
      expect(parseXfcc(wanted.map(written).join(","))).toEqual({ ok: true, elements: wanted });
    }),
  );
});

const anything = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));

/** A mutation of a good header: the neighbourhood in which a lenient parser would be caught. */
const nearMiss = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        by,
        hash,
        uri,
        `Subject="CN=x"`,
        "URI=spiffe://evil.example/x",
        "URI=",
        "By",
        '"',
        "\\",
        ",",
        ";",
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .chain((parts) => fc.constantFrom(";", ",", "").map((joint) => parts.join(joint)));

test("never throws, and names a caller only from one element with one URI", ({ expect }) => {
  let named = 0;
  fc.assert(
    fc.property(fc.oneof(anything, printable, nearMiss), (header) => {
      const caller = callerOf(header);
      if (!caller.ok) return true;
      named += 1;
      const parsed = parseXfcc(header);
      if (!parsed.ok) return false;
      const uris = parsed.elements.flatMap((element) => element.uri);
      return parsed.elements.length === 1 && uris.length === 1 && uris[0] === caller.id.uri;
    }),
    { numRuns: 1000, examples: [[uri]] },
  );
  expect(named).toBeGreaterThan(0);
});

test("a trust domain's own ID, without a path, is no caller", ({ expect }) => {
  expect(callerOf("URI=spiffe://broker.example")).toEqual({ ok: false, problem: "the SPIFFE ID has no path" });
  expect(callerOf("URI=spiffe://broker.example/webapp")).toMatchObject({ ok: true });
});
