// The scalars of mesh.yaml: each reader turns text into a value, or into one sentence and what to write. The schema
// names them as formats; nothing else decides whether a scalar is well-formed.

import posix from "node:path/posix";

import { parseSpiffeId, trustDomainProblem, type SpiffeId } from "../spiffe/spiffe-id.ts";
import { readRule, readUrlPath } from "./call-rule.ts";
import { durationMeant, parseDuration } from "./duration.ts";
import type { HostPort } from "./mesh.ts";
import { quote, write, type Read } from "./problem.ts";

interface Refusal {
  /** Why, when `what` does not say it all. */
  readonly reason?: string | undefined;
  readonly suggestion: string;
}

function refuse(text: string, what: string, { reason, suggestion }: Refusal): Read<never> {
  return {
    ok: false,
    problem: `${quote(text)} is not ${what}${reason === undefined ? "" : `: ${reason}`}`,
    suggestion,
  };
}

function readDuration(text: string): Read<number> {
  const value = parseDuration(text);
  if (value !== undefined) return { ok: true, value };
  const meant = durationMeant(text);
  const suggestion = meant === undefined ? "write `10s`, `5m` or `1h30m`" : write(meant);
  return refuse(text, "a duration", { suggestion });
}

/** Names of workloads and the short names of trust domains: they become process, file and variable names. */
export const namePattern = "^[a-z][a-z0-9-]{0,30}$";

export function isName(text: string): boolean {
  return new RegExp(namePattern).test(text);
}

function readName(text: string): Read<string> {
  if (isName(text)) return { ok: true, value: text };
  const meant = text.toLowerCase().replaceAll(/[_. ]/g, "-");
  const reason = "a name is a lower-case letter, then up to 30 letters, digits and dashes";
  return refuse(text, "a name", { reason, suggestion: isName(meant) ? write(meant) : "write a name such as `quotes`" });
}

function readTrustDomain(text: string): Read<string> {
  const problem = text.startsWith("spiffe://") ? "it stands without `spiffe://`" : trustDomainProblem(text);
  const meant = text
    .replace(/^spiffe:\/\//i, "")
    .replace(/\/.*$/s, "")
    .toLowerCase();
  if (isUsableTrustDomain(text)) return { ok: true, value: text };
  return refuse(text, "a trust domain", {
    reason: problem ?? "an empty label stands beside a dot",
    suggestion: write(isUsableTrustDomain(meant) ? meant : "broker.example"),
  });
}

/** The standard's character set also takes `..`; here the name becomes part of file names. */
function isUsableTrustDomain(name: string): boolean {
  return trustDomainProblem(name) === undefined && !name.split(".").includes("");
}

function readSpiffeId(text: string): Read<SpiffeId> {
  const parsed = parseSpiffeId(text);
  if (parsed.ok) return { ok: true, value: parsed.id };
  const suggestion = write(meantSpiffeId(text) ?? "spiffe://broker.example/webapp");
  return refuse(text, "a SPIFFE ID", { reason: parsed.problem, suggestion });
}

/** The same ID with the usual slips taken out: case, query, doubled and trailing slashes; undefined when that is not enough. */
function meantSpiffeId(text: string): string | undefined {
  const [, authority = "", path = ""] = /^(?:spiffe:\/*)?([^/]*)(.*)$/is.exec(text.replace(/[?#].*$/s, "")) ?? [];
  const cleanPath = path.replaceAll(/\/{2,}/g, "/").replace(/\/$/, "");
  const meant = `spiffe://${authority.toLowerCase().replace(/:\d*$/, "")}${cleanPath}`;
  return parseSpiffeId(meant).ok && cleanPath !== "" ? meant : undefined;
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const dnsName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function splitAddress(text: string): { host: string; port: number | undefined } {
  const colon = text.lastIndexOf(":");
  const digits = colon === -1 ? "" : text.slice(colon + 1);
  const port = /^[1-9]\d{0,4}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : undefined;
  return { host: colon === -1 ? text : text.slice(0, colon), port };
}

interface AddressForm {
  readonly what: string;
  /** Why this host cannot be; undefined when it can. */
  readonly hostProblem: (host: string) => string | undefined;
  readonly fallback: string;
}

const badPort = "the port must be a number from 1 to 65535";

function readAddress(text: string, { what, hostProblem, fallback }: AddressForm): Read<HostPort> {
  const bare = text.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const { host, port } = splitAddress(/^\d{1,5}$/.test(bare) ? `:${bare}` : bare);
  const reason =
    host === "" ? "the host is missing" : (hostProblem(host) ?? (port === undefined ? badPort : undefined));
  if (reason === undefined && port !== undefined && bare === text) return { ok: true, value: { host, port } };
  const meant = `${hostProblem(host) === undefined ? host : fallback}:${port ?? 8080}`;
  return refuse(text, what, { reason: reason ?? "a scheme or a path has no place in it", suggestion: write(meant) });
}

/** An address of this machine: Envoy binds literal addresses only (config.core.v3.SocketAddress). */
const listenAddress: AddressForm = {
  what: "an address to listen on",
  hostProblem: (host) =>
    ipv4.test(host) && Number(host.split(".")[0]) < 224 ? undefined : "the host must be an IPv4 address",
  fallback: "127.0.0.1",
};

/** Where a TCP-only app listens. Anything but loopback could be reached around the sidecar, with no identity checked. */
const loopbackAddress: AddressForm = {
  what: "a loopback address",
  hostProblem: (host) =>
    ipv4.test(host) && host.startsWith("127.")
      ? undefined
      : "an app that others can reach around its sidecar is not protected",
  fallback: "127.0.0.1",
};

const remoteAddress: AddressForm = {
  what: "an address",
  hostProblem: (host) =>
    ipv4.test(host) || dnsName.test(host) ? undefined : "the host must be a name or an IPv4 address",
  fallback: "quotes.stockmarket.example",
};

export interface Publish extends HostPort {
  readonly https: boolean;
}

function readPublish(text: string): Read<Publish> {
  const https = text.startsWith("https://");
  const read = readAddress(https ? text.slice("https://".length) : text, listenAddress);
  return read.ok ? { ok: true, value: { ...read.value, https } } : read;
}

/** A file or folder below the folder of mesh.yaml. The value is normalised: `./apps//x` is `apps/x`. */
function readPathInFolder(text: string): Read<string> {
  const normal = posix.normalize(text).replace(/(?<=.)\/$/, "");
  const problem = pathProblem(text, normal);
  if (problem !== undefined) return refuse(text, "a path inside the folder of this file", problem);
  return { ok: true, value: normal };
}

function pathProblem(text: string, normal: string): Refusal | undefined {
  const example = "write a path such as `apps/quotes`";
  if (text === "") return { reason: "it is empty", suggestion: example };
  if (/[\0\\]/.test(text)) return { reason: "it has a backslash or a NUL", suggestion: "write `/` between folders" };
  if (posix.isAbsolute(text)) return { reason: "it is absolute", suggestion: write(normal.slice(1) || ".") };
  if (text.startsWith("~")) return { reason: "`~` is not expanded", suggestion: example };
  if (normal !== ".." && !normal.startsWith("../")) return undefined;
  return { reason: "it leaves that folder", suggestion: write(normal.replace(/^(?:\.\.\/?)+/, "") || ".") };
}

/** One argument of a command. */
function readArgument(text: string): Read<string> {
  if (!text.includes("\0")) return { ok: true, value: text };
  return refuse(text, "an argument", { reason: "it has a NUL", suggestion: "write it without" });
}

/** SPIFFE_Federation.md 5.2.1.1 and 5.2.2.1: https only, no user information. */
function readHttpsUrl(text: string): Read<string> {
  const url = URL.parse(text);
  const isSecret = url !== null && (url.username !== "" || url.password !== "");
  if (url?.protocol === "https:" && !isSecret) return { ok: true, value: text };
  const scheme = url === null ? undefined : "the scheme must be `https`";
  const reason = isSecret ? "it carries user information" : scheme;
  return refuse(text, "an HTTPS address", { reason, suggestion: write("https://spire.partner.example:8443") });
}

function matching(what: string, form: RegExp, example: string) {
  return (text: string): Read<string> =>
    form.test(text) ? { ok: true, value: text } : refuse(text, what, { suggestion: write(example) });
}

/** The readers by the name of their format in the schema, with the noun that follows "must be". */
export const readers = {
  // Not `duration`: JSON Schema means ISO 8601 by that.
  "time-span": { what: "a duration", read: readDuration },
  name: { what: "a name", read: readName },
  "trust-domain": { what: "a trust domain", read: readTrustDomain },
  "spiffe-id": { what: "a SPIFFE ID", read: readSpiffeId },
  rule: { what: "a rule", read: readRule },
  "url-path": { what: "a path", read: readUrlPath },
  publish: { what: "an address to listen on", read: readPublish },
  "listen-address": { what: "an address to listen on", read: (text: string) => readAddress(text, listenAddress) },
  "loopback-address": { what: "a loopback address", read: (text: string) => readAddress(text, loopbackAddress) },
  "remote-address": { what: "an address", read: (text: string) => readAddress(text, remoteAddress) },
  "path-in-folder": { what: "a path inside the folder of this file", read: readPathInFolder },
  argument: { what: "text", read: readArgument },
  "https-url": { what: "an HTTPS address", read: readHttpsUrl },
  "dns-name": { what: "a DNS name", read: matching("a DNS name", dnsName, "spire.broker.example") },
  email: { what: "an e-mail address", read: matching("an e-mail address", /^[^\s@]+@[^\s@]+$/, "ops@broker.example") },
  image: {
    what: "an image",
    read: matching("an image", /^[a-z0-9][\w.:/@-]*$/i, "debian:12-slim"),
  },
} as const satisfies Record<string, { what: string; read: (text: string) => Read<unknown> }>;

export type Format = keyof typeof readers;

export function isFormat(name: unknown): name is Format {
  return typeof name === "string" && Object.hasOwn(readers, name);
}
