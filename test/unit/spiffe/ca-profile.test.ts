import { test } from "vitest";

import { refusalOfCa } from "../../../scripts/spiffe/ca-profile.ts";
import { readValues } from "../../../scripts/spiffe/der.ts";
import { departed, departedAuthority, oddAuthority, oddities } from "../../odd-authorities.ts";
import { authority } from "../trust/fixtures.ts";

test("a CA certificate in RFC 5280's form is taken", ({ expect }) => {
  expect(refusalOfCa(authority)).toBeUndefined();
});

test.for(oddities)("one with %s is refused", (oddity, { expect }) => {
  expect(refusalOfCa(oddAuthority(authority, oddity))).toMatch(/^(?:is not of version 3|is valid at|has )/);
});

test.for(departed)("one with %s is refused", (departure, { expect }) => {
  const { der, refused } = departedAuthority(authority, departure);
  expect(refusalOfCa(der)).toMatch(refused);
});

test("what is no certificate, or more than one, is refused", ({ expect }) => {
  expect(refusalOfCa(Buffer.of(1))).toBe("cannot be read");
  expect(refusalOfCa(Buffer.concat([authority, authority]))).toBe("is followed by more");
});

test.for([
  [[0x30, 0x80, 0, 0], "of indefinite length"],
  [[0x04, 0x81, 0x01, 7], "with a length that takes more bytes than it needs"],
  [[0x04, 0x02, 7], "that ends too soon"],
  [[0x1f, 0x81, 0x01, 0], "with a tag of several bytes"],
  [[0x04], "without a length"],
] as const)("%j, a value %s, is not DER", ([bytes], { expect }) => {
  expect(() => readValues(Buffer.from(bytes))).toThrow(/length|longer|tag/);
});
