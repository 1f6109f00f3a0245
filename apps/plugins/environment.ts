// The environment of the app contract (docs/app-contract.md), read once at start: LISTEN and UPSTREAM_<NAME>. Pure.

import { parseAddress, type Address, type ParsedAddress } from "./address.ts";

export interface Environment<Name extends string> {
  readonly listen: Address;
  readonly upstreams: Readonly<Record<Name, Address>>;
}

export type ParsedEnvironment<Name extends string> =
  | { readonly ok: true; readonly environment: Environment<Name> }
  /** Every problem, each naming its variable. */
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads LISTEN and one UPSTREAM_<NAME> for each of `upstreamNames`. Upstreams the app does not know are none of its
 * business and are not looked at.
 */
export function readEnvironment<const Name extends string>(
  variables: Readonly<Record<string, string | undefined>>,
  upstreamNames: readonly Name[],
): ParsedEnvironment<Name> {
  const problems: string[] = [];
  const read = (variable: string): Address | undefined => {
    const parsed = readAddress(variable, variables[variable]);
    if (parsed.ok) return parsed.address;
    problems.push(parsed.problem);
    return undefined;
  };
  const listen = read("LISTEN");
  const upstreams: Partial<Record<Name, Address>> = {};
  for (const name of upstreamNames) {
    const address = read(upstreamVariable(name));
    if (address !== undefined) upstreams[name] = address;
  }
  if (listen === undefined || !isComplete(upstreams, upstreamNames)) return { ok: false, problems };
  return { ok: true, environment: { listen, upstreams } };
}

function readAddress(variable: string, text: string | undefined): ParsedAddress {
  if (text === undefined || text === "") {
    return { ok: false, problem: `${variable} is not set: it must be unix:/path or host:port` };
  }
  const parsed = parseAddress(text);
  return parsed.ok ? parsed : { ok: false, problem: `${variable}=${text} is not an address: ${parsed.problem}` };
}

/** `quotes` → `UPSTREAM_QUOTES`, `fx-rates` → `UPSTREAM_FX_RATES`. */
export function upstreamVariable(name: string): string {
  return `UPSTREAM_${name.toUpperCase().replaceAll("-", "_")}`;
}

function isComplete<Name extends string>(
  upstreams: Partial<Record<Name, Address>>,
  names: readonly Name[],
): upstreams is Record<Name, Address> {
  return names.every((name) => upstreams[name] !== undefined);
}
