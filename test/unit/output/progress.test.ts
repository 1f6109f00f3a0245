import { beforeEach, test, vi } from "vitest";

import { printNote } from "../../../scripts/output/print.ts";
import { showProgress, type ProgressOptions } from "../../../scripts/output/progress.ts";

// Whoever runs this may have no terminal, or one that can do nothing.
beforeEach(() => void vi.stubEnv("TERM", "xterm"));

const plain = (_: unknown, text: string): string => text;

/** A stream that keeps what was written, and a clock that stands until it is moved. */
function screen(stream: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  const written: string[] = [];
  let time = 0;
  const options: ProgressOptions = {
    stream: { ...stream, write: (text: string) => written.push(text) },
    paint: plain,
    now: () => time,
  };
  return { written, options, pass: (ms: number) => (time += ms) };
}

test("without a terminal a long step says something every five seconds and no more", ({ expect }) => {
  const { written, options, pass } = screen();
  const { report, end } = showProgress(options);
  report({ kind: "start", stage: "tools", message: "building SPIRE 1.15.3" });
  for (let second = 1; second <= 11; second++) {
    pass(1000);
    report({ kind: "progress", stage: "tools", message: "compiled", fraction: second / 11 });
  }
  report({ kind: "done", stage: "tools", message: "SPIRE 1.15.3", elapsedMs: 11_000 });
  report({ kind: "warning", stage: "runtime", message: "an earlier crash left processes" });
  end();
  expect(written.join("")).toBe(
    [
      "· tools      building SPIRE 1.15.3",
      "· tools      compiled 45 % (5.00 s)",
      "· tools      compiled 90 % (10.0 s)",
      "✓ tools      SPIRE 1.15.3 11.0 s",
      "! runtime    an earlier crash left processes",
      "",
    ].join("\n"),
  );
});

test("on a terminal one line is rewritten, clipped to its width, and erased at the end", ({ expect }) => {
  const { written, options, pass } = screen({ isTTY: true, columns: 40 });
  const { report, end } = showProgress(options);
  report({ kind: "start", stage: "trust", message: "servers introduce themselves, bundles cross" });
  pass(1500);
  report({ kind: "progress", stage: "trust", message: "entries" });
  report({ kind: "done", stage: "trust", message: "federated", elapsedMs: 1500 });
  report({ kind: "start", stage: "edges", message: "waiting" });
  end();
  const erase = "\r\u001B[2K";
  const [first = "", second] = written;
  expect(first.startsWith(erase)).toBe(true);
  expect(first.slice(erase.length).length).toBeLessThan(40);
  expect(first).toContain("…");
  expect(second).toBe(`${erase}⠙ trust      entries 1.50 s`);
  expect(written).toContain("✓ trust      federated 1.50 s\n");
  expect(written.at(-1)).toBe(erase);
  expect(written.filter((text) => text.includes("\n"))).toHaveLength(1);
});

test("quiet says nothing", ({ expect }) => {
  const { written, options } = screen();
  const { report, end } = showProgress({ ...options, quiet: true });
  report({ kind: "start", stage: "tools", message: "x" });
  end();
  expect(written).toEqual([]);
});

test("whatever is printed meanwhile begins on a line of its own", ({ expect }) => {
  const { written, options } = screen({ isTTY: true, columns: 80 });
  const { report, end } = showProgress(options);
  report({ kind: "start", stage: "edges", message: "waiting for a request to cross every edge" });
  const before = written.length;
  printNote("");
  expect(written.slice(before)).toEqual(["\r\u001B[2K"]);
  end();
  const after = written.length;
  printNote("");
  expect(written).toHaveLength(after);
});
