import { test } from "vitest";

import { maxAuthorities, maxBundleBytes, refusalOf } from "../../../scripts/trust/quarantine.ts";
import { authority, bundleOf } from "./fixtures.ts";

const sound = bundleOf("a.example");
const many = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);
const jwt = (bytes: number) => ({ keyId: "k", publicKey: new Uint8Array(bytes - 1) });

test.for([
  ["a sound one", sound, undefined],
  ["as many authorities as are taken", { ...sound, x509Authorities: many(maxAuthorities, authority) }, undefined],
  ["one more", { ...sound, x509Authorities: many(101, authority) }, "101 X.509 authorities, at most 100 are taken"],
  [
    "JWT keys without number",
    { ...sound, jwtAuthorities: many(101, jwt(2)) },
    "101 JWT authorities, at most 100 are taken",
  ],
  ["JWT keys alone", { ...sound, x509Authorities: [], jwtAuthorities: [jwt(2)] }, "it has no X.509 authority"],
  [
    "a few that are large",
    { ...sound, jwtAuthorities: [jwt(maxBundleBytes)] },
    `${maxBundleBytes + authority.length} bytes of authorities, at most ${maxBundleBytes} are taken`,
  ],
  [
    "what is no certificate",
    { ...sound, x509Authorities: [authority, new Uint8Array([1])] },
    "X.509 authority 2 cannot be read",
  ],
] as const)("%s", ([, bundle, refused], { expect }) => {
  expect(refusalOf(bundle)).toBe(refused);
});
