// The options of a canary, as typed.

import { type Canary, usualCanary } from "../control/canary.ts";
import { MeshError } from "../errors.ts";

export interface CanaryFlags {
  readonly canary?: string;
  readonly after?: string;
  readonly failures?: string;
  readonly slower?: string;
}

/** @throws MeshError MESH_USAGE */
export function canaryOf({ canary, after, failures, slower }: CanaryFlags): Canary | undefined {
  const others = { after, failures, slower };
  if (canary === undefined) {
    const given = Object.entries(others).find(([, value]) => value !== undefined);
    if (given === undefined) return undefined;
    throw wrong(`--${given[0]} is about a canary`, "--canary 10%");
  }
  const percent = Number(/^(\d+)%?$/.exec(canary)?.[1]);
  if (!(percent >= 1 && percent <= 99)) throw wrong(`--canary ${canary} is no share of the requests`, "--canary 10%");
  return {
    percent,
    requests: number("after", after, { otherwise: usualCanary.requests, least: 1 }),
    failurePoints: number("failures", failures, { otherwise: usualCanary.failurePoints, least: 0 }),
    slowerBy: number("slower", slower, { otherwise: usualCanary.slowerBy, least: 1 }),
  };
}

function number(
  name: string,
  text: string | undefined,
  { otherwise, least }: { readonly otherwise: number; readonly least: number },
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw wrong(`--${name} ${text} is no number from ${least}`, `--${name} ${otherwise}`);
}

function wrong(message: string, example: string): MeshError {
  return new MeshError("MESH_USAGE", message, { fix: `e.g. ${example}` });
}
