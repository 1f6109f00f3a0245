// Who serves for a workload: the app of mesh.yaml, or, for as long as an operator's swap lasts, another implementation
// beside it or in its place. Each runs in a slot of its own, with its own process, user and socket.

import type { App, Workload } from "../model/mesh.ts";

export const slotNumbers = [1, 2] as const;
export type SlotNumber = (typeof slotNumbers)[number];

/** An implementation of a workload's app. */
export interface Slot {
  readonly app: App;
  /** Its part of the requests, beside the other slot's weight; 0: it gets none that is new, and ends those it has. */
  readonly weight: number;
}

/** Who serves, by workload: the operator's decisions. A workload that is not named is served by mesh.yaml's app in slot 1. */
export type Serving = Readonly<Record<string, Readonly<Partial<Record<SlotNumber, Slot>>>>>;

export interface SlottedApp {
  readonly slot: SlotNumber;
  /** The workload as mesh.yaml has it, but for its app. */
  readonly workload: Workload;
  readonly weight: number;
}

/** The apps of a workload, by slot. */
export function appsOf(workload: Workload, serving: Serving): readonly [SlottedApp, ...SlottedApp[]] {
  const [first, ...others] = slotNumbers.flatMap((slot) => {
    const found = serving[workload.name]?.[slot];
    return found === undefined ? [] : [{ slot, workload: { ...workload, app: found.app }, weight: found.weight }];
  });
  return first === undefined ? [{ slot: 1, workload, weight: 1 }] : [first, ...others];
}
