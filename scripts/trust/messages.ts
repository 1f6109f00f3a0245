// The edge between SPIRE Server's wire messages and this project's types. Decoded messages arrive as plain objects with
// every scalar and list present (proto3 defaults); a field of another type is a bug in the .proto files.

import { parseSpiffeId } from "../spiffe/spiffe-id.ts";
import type { Bundle, JwtAuthority } from "../spiffe/bundle.ts";
import type {
  AttestedAgent,
  FederationRelationship,
  HeldBundle,
  Outcome,
  RegistrationEntry,
  X509Authority,
  X509AuthorityState,
} from "./server-types.ts";

/** A decoded message. */
export type Message = Readonly<Record<string, unknown>>;

export function message(value: unknown): Message {
  if (!isMessage(value)) throw new TypeError("a message was expected");
  return value;
}

/** Items of a repeated field of messages. */
export function messages(from: object, field: string): readonly Message[] {
  return list(message(from), field).map(message);
}

export function text(from: Message, field: string): string {
  const value = from[field];
  if (typeof value !== "string") throw new TypeError(`${field}: text was expected`);
  return value;
}

export function toEntry(from: Message): RegistrationEntry {
  return {
    id: text(from, "id"),
    spiffeId: toSpiffeId(from.spiffeId),
    parentId: toSpiffeId(from.parentId),
    selectors: messages(from, "selectors").map((selector) => `${text(selector, "type")}:${text(selector, "value")}`),
    federatesWith: texts(from, "federatesWith"),
    x509SvidTtlSeconds: number(from, "x509SvidTtl"),
    jwtSvidTtlSeconds: number(from, "jwtSvidTtl"),
    admin: flag(from, "admin"),
    downstream: flag(from, "downstream"),
    storeSvid: flag(from, "storeSvid"),
    dnsNames: texts(from, "dnsNames"),
    hint: text(from, "hint"),
    expiresAt: number(from, "expiresAt"),
  };
}

export function fromEntry(entry: RegistrationEntry): object {
  const { id, federatesWith, admin, downstream, storeSvid, dnsNames, hint, expiresAt } = entry;
  return {
    id,
    federatesWith,
    admin,
    downstream,
    storeSvid,
    dnsNames,
    hint,
    expiresAt,
    spiffeId: fromSpiffeId(entry.spiffeId),
    parentId: fromSpiffeId(entry.parentId),
    selectors: entry.selectors.map((selector) => {
      const colon = selector.indexOf(":");
      return { type: selector.slice(0, colon), value: selector.slice(colon + 1) };
    }),
    x509SvidTtl: entry.x509SvidTtlSeconds,
    jwtSvidTtl: entry.jwtSvidTtlSeconds,
  };
}

export function toBundle(from: Message): HeldBundle {
  const authorities = messages(from, "x509Authorities");
  const sequence = number(from, "sequenceNumber");
  const refreshHintSeconds = number(from, "refreshHint");
  return {
    trustDomain: text(from, "trustDomain"),
    x509Authorities: authorities.map((authority) => bytes(authority, "asn1")),
    jwtAuthorities: messages(from, "jwtAuthorities").map(toJwtAuthority),
    taintedX509Authorities: [...authorities.keys()].filter((index) => flag(authorities[index] ?? {}, "tainted")),
    // Zero means "not set" on the wire.
    ...(sequence === 0 ? {} : { sequence }),
    ...(refreshHintSeconds === 0 ? {} : { refreshHintSeconds }),
  };
}

export function fromBundle(bundle: Bundle): object {
  return {
    trustDomain: bundle.trustDomain,
    x509Authorities: bundle.x509Authorities.map((asn1) => ({ asn1 })),
    jwtAuthorities: bundle.jwtAuthorities,
    sequenceNumber: bundle.sequence ?? 0,
    refreshHint: bundle.refreshHintSeconds ?? 0,
  };
}

export function toRelationship(from: Message): FederationRelationship {
  const spiffe = from.httpsSpiffe;
  return {
    trustDomain: text(from, "trustDomain"),
    bundleEndpointUrl: text(from, "bundleEndpointUrl"),
    profile: isMessage(spiffe)
      ? { type: "https_spiffe", endpointSpiffeId: text(spiffe, "endpointSpiffeId") }
      : { type: "https_web" },
  };
}

export function fromRelationship(relationship: FederationRelationship, bundle?: Bundle): object {
  const { trustDomain, bundleEndpointUrl, profile } = relationship;
  return {
    trustDomain,
    bundleEndpointUrl,
    ...(profile.type === "https_spiffe"
      ? { httpsSpiffe: { endpointSpiffeId: profile.endpointSpiffeId } }
      : { httpsWeb: {} }),
    ...(bundle === undefined ? {} : { trustDomainBundle: fromBundle(bundle) }),
  };
}

export function toAgent(from: Message): AttestedAgent {
  return {
    spiffeId: toSpiffeId(from.id),
    attestationType: text(from, "attestationType"),
    serial: hexSerial(text(from, "x509svidSerialNumber")),
    expiresAt: number(from, "x509svidExpiresAt"),
    banned: flag(from, "banned"),
    canReattest: flag(from, "canReattest"),
    version: text(from, "agentVersion"),
  };
}

export function toX509Authority(from: unknown): X509Authority {
  const state = message(from);
  return { id: text(state, "authorityId"), expiresAt: number(state, "expiresAt") };
}

export function toX509AuthorityState(from: Message): X509AuthorityState {
  return {
    active: toX509Authority(from.active),
    ...(isMessage(from.prepared) ? { prepared: toX509Authority(from.prepared) } : {}),
    ...(isMessage(from.old) ? { old: toX509Authority(from.old) } : {}),
  };
}

/** `codeName` gives a gRPC status its name. */
export function toOutcome(result: Message, codeName: (code: number) => string): Outcome {
  const status = message(result.status);
  const code = number(status, "code");
  return code === 0 ? { ok: true } : { ok: false, code: codeName(code), message: text(status, "message") };
}

function toJwtAuthority(from: Message): JwtAuthority {
  return { keyId: text(from, "keyId"), publicKey: bytes(from, "publicKey") };
}

function toSpiffeId(from: unknown): string {
  const id = message(from);
  return `spiffe://${text(id, "trustDomain")}${text(id, "path")}`;
}

function fromSpiffeId(uri: string): object {
  const parsed = parseSpiffeId(uri);
  if (!parsed.ok) throw new TypeError(`${uri} is not a SPIFFE ID: ${parsed.problem}`);
  return { trustDomain: parsed.id.trustDomain, path: parsed.id.path };
}

/** SPIRE counts serial numbers in decimal, certificates are read in hex. */
function hexSerial(decimal: string): string {
  return decimal === "" ? "" : BigInt(decimal).toString(16);
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(from: Message, field: string): readonly unknown[] {
  const value: unknown = from[field];
  if (!Array.isArray(value)) throw new TypeError(`${field}: a list was expected`);
  return value;
}

function texts(from: Message, field: string): readonly string[] {
  return list(from, field).filter((value) => typeof value === "string");
}

function number(from: Message, field: string): number {
  const value = from[field];
  if (typeof value !== "number") throw new TypeError(`${field}: a number was expected`);
  return value;
}

function flag(from: Message, field: string): boolean {
  return from[field] === true;
}

function bytes(from: Message, field: string): Uint8Array {
  const value = from[field];
  if (!(value instanceof Uint8Array)) throw new TypeError(`${field}: bytes were expected`);
  return value;
}
