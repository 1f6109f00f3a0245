// How figures are summed up and shown: median and spread of N runs, on which machine, with which versions.

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";

import { alignColumns } from "../../scripts/output/table.ts";
import { checkoutDir } from "../e2e/checkout.ts";

/** Headings and rows as a table on standard error, with what it was measured on. */
export function printFigures(title: string, rows: readonly (readonly string[])[]): void {
  process.stderr.write(`\n${title}\n${machine()}\n\n${alignColumns(rows).join("\n")}\n\n`);
}

/** `median (least–most, N runs)`. */
export function spread(runs: readonly number[], format: (value: number) => string): string {
  const sorted = runs.toSorted((left, right) => left - right);
  return `${format(median(runs))} (${format(at(sorted, 0))}–${format(at(sorted, sorted.length - 1))}, ${sorted.length} runs)`;
}

export function median(runs: readonly number[]): number {
  const sorted = runs.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}

function machine(): string {
  const { spire, envoy }: Record<string, { version?: string }> = JSON.parse(
    readFileSync(join(checkoutDir, "versions.json"), "utf8"),
  );
  const [{ model } = { model: "unknown" }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `${cpus().length} × ${model}, ${memory} GiB, Linux ${release()}`,
    `SPIRE ${spire?.version}, Envoy ${envoy?.version}, Node ${process.versions.node}`,
    `load average ${loadavg()[0]?.toFixed(1)} before`,
  ].join("; ");
}
