// What a stage says while it works. Stages emit, output/progress.ts alone prints.

/** One thing a long step has to say. Messages are facts without a full stop. */
export type StageEvent =
  /** A stage began, e.g. `tools`, "building SPIRE 1.15.3 from the Go module proxy". */
  | { readonly kind: "start"; readonly stage: string; readonly message: string }
  /** How far it is; `fraction` is 0–1 when known. */
  | { readonly kind: "progress"; readonly stage: string; readonly message: string; readonly fraction?: number }
  | { readonly kind: "done"; readonly stage: string; readonly message: string; readonly elapsedMs: number }
  /** Something the user should know that does not stop the work. */
  | { readonly kind: "warning"; readonly stage: string; readonly message: string };

export type Report = (event: StageEvent) => void;
