// The description as far as it is well-formed, for the rules: a value that the schema refused is absent, and a rule says
// nothing of what it does not know. So every problem is reported at once, and none twice.

import type { SpiffeId } from "../spiffe/spiffe-id.ts";
import type { HostPort, Rule } from "./mesh.ts";
import { child, entries, isMapping, isMisspelt, scalar, scalars, type Located, type Part } from "./part.ts";
import type { Path, Read } from "./problem.ts";
import { isName, readers, type Publish } from "./syntax.ts";

export interface Draft {
  readonly domains: readonly DomainDraft[];
  readonly workloads: readonly WorkloadDraft[];
}

/** A value given, a default (`given` false), or undefined: given but not well-formed. */
export type Setting<T> = (Located<T> & { readonly given: boolean }) | undefined;

export interface DomainDraft {
  readonly domain: string;
  readonly path: Path;
  readonly name: Setting<string>;
  readonly federatesWith: Setting<readonly Located<string>[]>;
  readonly caMs: Setting<number>;
  readonly x509SvidMs: Setting<number>;
  readonly bundleEndpoint: Part | undefined;
  readonly profile: Setting<string>;
  /** Present: somebody else runs it. */
  readonly external: Part | undefined;
  readonly part: Part;
}

export interface WorkloadDraft {
  readonly name: string;
  readonly path: Path;
  readonly spiffeId: Located<SpiffeId> | undefined;
  readonly app: AppDraft | undefined;
  readonly publish: Located<Publish> | undefined;
  readonly calls: readonly CallDraft[];
  readonly part: Part;
}

export interface AppDraft {
  readonly path: Path;
  /** Which of the three were given, whatever they hold. */
  readonly kinds: readonly AppKind[];
  readonly node: Located<string> | undefined;
  readonly command: readonly string[] | undefined;
  readonly image: string | undefined;
  readonly workingDir: string | undefined;
  readonly build: readonly string[] | undefined;
  readonly listen: Located<HostPort> | undefined;
  readonly health: string;
  readonly contract: string | undefined;
}

export const appKinds = ["node", "command", "image"] as const;
export type AppKind = (typeof appKinds)[number];

export interface CallDraft {
  readonly callee: string;
  readonly path: Path;
  readonly rules: readonly Located<Rule>[] | undefined;
  readonly timeoutMs: Setting<number>;
}

/** What holds when nothing is written (docs/mesh-yaml.md). No limit on a whole answer, so that streams work; one that stands still is ended all the same. */
export const defaults = { caMs: 24 * 3_600_000, x509SvidMs: 3_600_000, timeoutMs: 0, health: "/health" } as const;

export function readDraft(data: unknown): Draft {
  const root: Part = { path: [], value: data };
  return {
    domains: entries(child(root, "trustDomains")).map(([domain, part]) => domainDraft(domain, part)),
    workloads: entries(child(root, "workloads")).map(([name, part]) => workloadDraft(name, part)),
  };
}

interface SettingOptions<T> {
  readonly read: (text: string) => Read<T>;
  /** What holds when the key is absent; undefined when nothing does. */
  readonly otherwise: T | undefined;
}

function setting<T>(part: Part, key: string, { read, otherwise }: SettingOptions<T>): Setting<T> {
  const given = child(part, key);
  if (given !== undefined) {
    const value = scalar(given, read);
    return value === undefined ? undefined : { ...value, given: true };
  }
  return otherwise === undefined ? undefined : { path: part.path, value: otherwise, given: false };
}

function domainDraft(domain: string, part: Part): DomainDraft {
  const ttl = child(part, "ttl") ?? { path: part.path, value: {} };
  const bundleEndpoint = child(part, "bundleEndpoint");
  const label = domain.split(".", 1)[0] ?? "";
  return {
    domain,
    path: part.path,
    name: setting(part, "name", { read: readers.name.read, otherwise: isName(label) ? label : undefined }),
    federatesWith: federation(part),
    caMs: setting(ttl, "ca", { read: readers["time-span"].read, otherwise: defaults.caMs }),
    x509SvidMs: setting(ttl, "x509Svid", { read: readers["time-span"].read, otherwise: defaults.x509SvidMs }),
    bundleEndpoint,
    profile: setting(bundleEndpoint ?? part, "profile", { read: readProfile, otherwise: "https_spiffe" }),
    external: child(part, "external"),
    part,
  };
}

function federation(part: Part): DomainDraft["federatesWith"] {
  const given = child(part, "federatesWith");
  if (given === undefined) {
    return isMisspelt(part.value, "federatesWith") ? undefined : { path: part.path, value: [], given: false };
  }
  const value = scalars(given, readers["trust-domain"].read);
  return value === undefined ? undefined : { path: given.path, value, given: true };
}

/** The schema has judged the word. */
function readProfile(text: string): Read<string> {
  return { ok: true, value: text };
}

function workloadDraft(name: string, part: Part): WorkloadDraft {
  const app = child(part, "app");
  return {
    name,
    path: part.path,
    spiffeId: scalar(child(part, "spiffeId"), readers["spiffe-id"].read),
    app: app === undefined || !isMapping(app.value) ? undefined : appDraft(app),
    publish: scalar(child(part, "publish"), readers.publish.read),
    calls: entries(child(part, "calls")).map(([callee, call]) => callDraft(callee, call)),
    part,
  };
}

/** The part that an `app` holds, in mesh.yaml or in a file of its own. */
export function appDraft(part: Part): AppDraft {
  const path = (key: string) => scalar(child(part, key), readers["path-in-folder"].read);
  const words = (key: string) => scalars(child(part, key), readers.argument.read)?.map(({ value }) => value);
  return {
    path: part.path,
    kinds: appKinds.filter((kind) => child(part, kind) !== undefined),
    node: path("node"),
    command: words("command"),
    image: scalar(child(part, "image"), readers.image.read)?.value,
    workingDir: path("workingDir")?.value,
    build: words("build"),
    listen: scalar(child(part, "listen"), readers["loopback-address"].read),
    health: scalar(child(part, "health"), readers["url-path"].read)?.value ?? defaults.health,
    contract: path("contract")?.value,
  };
}

function callDraft(callee: string, part: Part): CallDraft {
  const rules = isMapping(part.value) ? child(part, "allow") : part;
  return {
    callee,
    path: part.path,
    rules: scalars(rules, readers.rule.read),
    timeoutMs: setting(part, "timeout", { read: readers["time-span"].read, otherwise: defaults.timeoutMs }),
  };
}

/** Whether the file has that trust domain, perhaps in a spelling that is reported where it stands. */
export function isDeclared({ domains }: Pick<Draft, "domains">, trustDomain: string): boolean {
  const spelling = /^spiffe:\/\/|\/.*$/g;
  return domains.some(({ domain }) => domain.replace(spelling, "").toLowerCase() === trustDomain);
}

/** The trust domain of a workload, when that is declared: also of one whose SPIFFE ID is wrong further on. */
export function domainOf({ domains }: Draft, { spiffeId, part }: WorkloadDraft): DomainDraft | undefined {
  const written = child(part, "spiffeId")?.value;
  const named = typeof written === "string" ? /^spiffe:\/\/([^/]+)/.exec(written)?.[1] : undefined;
  return domains.find(({ domain }) => domain === (spiffeId?.value.trustDomain ?? named));
}
