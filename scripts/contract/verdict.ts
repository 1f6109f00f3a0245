// What was found about one rule of the app contract (docs/app-contract.md).

import { messageOf } from "../errors.ts";

export interface Verdict {
  /** A word for programs: `routes`. */
  readonly rule: string;
  /** What the contract asks, one clause: "answers as its OpenAPI document says". */
  readonly title: string;
  /** `not checked`: this machine, or this app, gives nothing to see it by. Never a pass. */
  readonly verdict: "passed" | "failed" | "not checked";
  /** What was seen, or why nothing was. */
  readonly seen: string;
}

export type Finding = Pick<Verdict, "verdict" | "seen">;

export const passed = (seen: string): Finding => ({ verdict: "passed", seen });
export const failed = (seen: string): Finding => ({ verdict: "failed", seen });
export const notChecked = (seen: string): Finding => ({ verdict: "not checked", seen });

/** Runs one check. What it throws is what was seen: the app gave no answer. */
export async function judge(rule: string, title: string, check: () => Promise<Finding>): Promise<Verdict> {
  try {
    return { rule, title, ...(await check()) };
  } catch (error) {
    return { rule, title, ...failed(messageOf(error)) };
  }
}
