// Reads a sidecar's admin interface over its Unix socket (Envoy, "Administration interface": /stats, /config_dump).
// Promise: numbers and certificates as Envoy holds them now; an admin socket that does not answer throws.

import { X509Certificate } from "node:crypto";

import { requestUnix, type UnixResponse } from "./unix-http.ts";

/** Values by full name: counters and gauges as numbers, texts (`version_text`) as strings. Histograms are left out. */
export type Stats = ReadonlyMap<string, number | string>;

/** A secret as Envoy uses it now, with the name that the agent delivers it under. */
export type Secret = {
  readonly name: string;
  /** When Envoy last took a *different* content for it, ISO 8601. */
  readonly lastUpdated: string;
} & (
  | { readonly kind: "svid"; readonly certificate: X509Certificate }
  | { readonly kind: "bundles"; readonly bundles: readonly TrustedBundle[] }
);

/** What SPIFFECertValidatorConfig holds of one trust domain. */
export interface TrustedBundle {
  readonly trustDomain: string;
  readonly authorities: readonly X509Certificate[];
}

export const adminDeadlineMs = 1000;

/** A GET at one sidecar's admin interface: the body of its 200. */
export type Admin = (path: string) => Promise<string>;

/**
 * Stats whose name matches an RE2 expression.
 *
 * @throws a system error when the admin socket does not answer
 */
export async function fetchStats(adminSocket: string, filter: string): Promise<Stats> {
  return parseStats(await fetchAdmin(adminSocket, `/stats?filter=${encodeURIComponent(filter)}`));
}

/** Secrets that are in use. One that the agent has not delivered yet is not among them. */
export async function fetchSecrets(adminSocket: string): Promise<readonly Secret[]> {
  return parseSecrets(await fetchAdmin(adminSocket, "/config_dump?resource=dynamic_active_secrets"));
}

/** Why Envoy did not take a listener, in its own words: `error_state` of the listeners it was last told. */
export async function fetchListenerErrors(adminSocket: string): Promise<readonly string[]> {
  return parseListenerErrors(await fetchAdmin(adminSocket, "/config_dump?resource=dynamic_listeners"));
}

/** @throws a system error when the admin socket does not answer; an Error with what it said instead of 200 */
export async function fetchAdmin(socket: string, path: string): Promise<string> {
  return adminBody(path, await requestUnix({ socket, path, deadlineMs: adminDeadlineMs }));
}

/** @throws an Error with what Envoy said instead of 200 */
export function adminBody(path: string, { status, body }: Pick<UnixResponse, "status" | "body">): string {
  if (status !== 200) throw new Error(`Envoy's admin answered ${status} to ${path}: ${body.trim()}`);
  return body;
}

/** Lines `name: 12` and `name: "text"`; a histogram's line is neither. */
export function parseStats(text: string): Stats {
  const stats = new Map<string, number | string>();
  for (const line of text.split("\n")) {
    const [, name, number, quoted] = /^(.+): (?:(\d+)|"(.*)")$/.exec(line) ?? [];
    if (name === undefined) continue;
    stats.set(name, number === undefined ? (quoted ?? "") : Number(number));
  }
  return stats;
}

/** A counter's value; a counter that Envoy does not have yet stands at 0. */
export function counter(stats: Stats, name: string): number {
  const value = stats.get(name);
  return typeof value === "number" ? value : 0;
}

/** Sum of the counters whose full name matches. */
export function sumOf(stats: Stats, name: RegExp): number {
  let sum = 0;
  for (const [key, value] of stats) if (typeof value === "number" && name.test(key)) sum += value;
  return sum;
}

/** Lower-case hex without leading zeros, as SPIRE writes it. */
export function serialOf(certificate: X509Certificate): string {
  return certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, "");
}

/** Envoy writes `sds.<name>.…` with `://` of the resource's name as `_`. */
export function sdsPrefix(secretName: string): string {
  return `sds.${secretName.replaceAll("://", "_")}`;
}

interface SecretsDump {
  readonly configs?: readonly {
    readonly name: string;
    readonly last_updated: string;
    readonly secret?: {
      readonly tls_certificate?: { readonly certificate_chain?: DataSource };
      readonly validation_context?: {
        readonly custom_validator_config?: {
          readonly typed_config?: {
            readonly trust_domains?: readonly { readonly name: string; readonly trust_bundle?: DataSource }[];
          };
        };
      };
    };
  }[];
}

interface DataSource {
  readonly inline_bytes?: string;
  readonly inline_string?: string;
}

export function parseSecrets(json: string): readonly Secret[] {
  const dump: SecretsDump = JSON.parse(json);
  return (dump.configs ?? []).flatMap(({ name, last_updated: lastUpdated, secret }): Secret[] => {
    const [certificate] = certificatesOf(secret?.tls_certificate?.certificate_chain);
    if (certificate !== undefined) return [{ kind: "svid", name, lastUpdated, certificate }];
    const domains = secret?.validation_context?.custom_validator_config?.typed_config?.trust_domains;
    if (domains === undefined) return [];
    const bundles = domains.map((domain) => ({
      trustDomain: domain.name,
      authorities: certificatesOf(domain.trust_bundle),
    }));
    return [{ kind: "bundles", name, lastUpdated, bundles }];
  });
}

function certificatesOf(source: DataSource | undefined): X509Certificate[] {
  const bytes = source?.inline_bytes;
  const pem = bytes === undefined ? (source?.inline_string ?? "") : Buffer.from(bytes, "base64").toString("latin1");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

interface ListenersDump {
  readonly configs?: readonly { readonly error_state?: { readonly details?: string } }[];
}

export function parseListenerErrors(json: string): readonly string[] {
  const dump: ListenersDump = JSON.parse(json);
  const details = (dump.configs ?? []).map(({ error_state: error }) => error?.details);
  return [...new Set(details.filter((text) => text !== undefined))];
}
