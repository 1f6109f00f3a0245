// What `./mesh verify` found, as plain JSON; its published schema is docs/schemas/verify.json.

/** Version of this shape. */
export const verifyVersion = 1;

export interface VerifyReport {
  readonly version: typeof verifyVersion;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  /** True when every claim holds, and every mutation was applied and noticed but for those that cannot be applied here. */
  readonly holds: boolean;
  /** `private`: an instance of its own. `live`: the mesh that is up, on which only what is harmless is tried. */
  readonly mesh: "private" | "live";
  readonly runtime: "native" | "docker";
  /** `broker → quotes`. */
  readonly edge: string;
  /** Of everything that took part. */
  readonly versions: Readonly<Record<string, string>>;
  readonly claims: readonly ClaimResult[];
  /** Empty unless asked for. */
  readonly mutations: readonly MutationOutcome[];
}

export interface ClaimResult {
  /** Of the attack matrix: `A7`. */
  readonly id: string;
  readonly title: string;
  readonly clause: string;
  /**
   * `refused`: every attempt was, for the expected reason. `admitted`: not refused, by design or as a known gap (`why`).
   * `not-here`: the row cannot apply to this mesh, or cannot be tried on one that serves, or in containers (`why`).
   */
  readonly state: "refused" | "admitted" | "not-here" | "failed";
  readonly why?: string;
  /** Live, or in containers: why a part of it is not tried. */
  readonly inPart?: string;
  readonly attempts: readonly AttemptResult[];
}

/** What each witness said of one attempt. */
export interface AttemptResult {
  readonly tried: string;
  readonly attacker: string;
  readonly sidecar: { readonly counters: Readonly<Record<string, number>>; readonly reason: string };
  readonly app: string;
  readonly control: string;
  readonly milliseconds: number;
  /** Absent: all agree. */
  readonly problem?: string;
}

export interface MutationOutcome {
  /** Row of the protections table. */
  readonly protection: string;
  /** What was done to the configuration. */
  readonly change: string;
  /**
   * `noticed`: a claim that guards it turned red. `unnoticed`: none did. `not-applied`: it cannot be taken away here, and `why`
   * was known beforehand. `failed`: it should have been taken away and could not (`why`): nobody knows what it is worth.
   */
  readonly state: "noticed" | "unnoticed" | "not-applied" | "failed";
  readonly why?: string;
  /** The first claim that turned red, of those that guard it. */
  readonly by?: { readonly claim: string; readonly tried: string; readonly problem: string };
  /** `--full`: ids of all claims that turned red. */
  readonly red?: readonly string[];
  readonly milliseconds: number;
}
