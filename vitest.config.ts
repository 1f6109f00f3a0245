// The suites as vitest's projects; `./mesh test` runs them one by one. `soak` takes minutes, `bench` measures: neither is part of the gate.

import { defineConfig } from "vitest/config";

/**
 * Real SPIRE and Envoy run in these: one file at a time, and patience for a machine that is busy, or gets a browser
 * first. What a test waits for has a deadline of its own.
 */
const serial = {
  environment: "node",
  pool: "forks",
  fileParallelism: false,
  setupFiles: "test/outlive-interrupt.ts",
  testTimeout: 600_000,
  hookTimeout: 600_000,
} as const;

/** Whatever the user's own environment says. */
const native = { env: { MESH_RUNTIME: "native" } } as const;

// oxlint-disable-next-line import/no-default-export -- vitest takes its configuration from the default export
export default defineConfig({
  test: {
    // A test that passes at the second try has shown something that must not be hidden.
    retry: 0,
    globals: false,
    // A golden that is gone must not be written by whoever happens to run the tests: -u does that.
    update: "none",
    // Who is interrupted waits for what cleans up: ten containers take more than the usual 10 s.
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          environment: "node",
          // The machine may be busy with other things.
          testTimeout: 30_000,
          // Not threads, whose stack is smaller than that of the process users run. One module graph for all files: half the time.
          pool: "forks",
          isolate: false,
          // Many tests wait for a moment; the default is one fewer than there are cores.
          maxWorkers: 3,
        },
      },
      { extends: true, test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...serial, ...native } },
      // The same files on the other runtime, but for those about the native one.
      {
        extends: true,
        test: {
          name: "e2e-docker",
          include: ["test/e2e/*.test.ts"],
          env: { MESH_RUNTIME: "docker" },
          globalSetup: ["test/docker/engine.ts"],
          ...serial,
        },
      },
      {
        extends: true,
        test: {
          name: "docker",
          include: ["test/docker/**/*.test.ts"],
          globalSetup: ["test/docker/engine.ts"],
          ...serial,
        },
      },
      {
        extends: true,
        test: {
          name: "verify",
          include: ["test/verify/**/*.test.ts"],
          exclude: ["test/verify/live.test.ts", "test/verify/in-containers.test.ts", "test/verify/full/**"],
          ...serial,
          ...native,
        },
      },
      {
        extends: true,
        test: {
          name: "verify-docker",
          include: ["test/verify/in-containers.test.ts"],
          globalSetup: ["test/verify/engine.ts"],
          ...serial,
        },
      },
      // On the mesh that is up: `./mesh verify --live`.
      { extends: true, test: { name: "verify-live", include: ["test/verify/live.test.ts"], ...serial } },
      {
        extends: true,
        test: {
          name: "soak",
          // With every row under every mutation: `./mesh verify --full`.
          include: ["test/soak/**/*.test.ts", "test/verify/full/*.test.ts"],
          ...serial,
          ...native,
        },
      },
      { extends: true, test: { name: "bench", include: ["test/bench/**/*.test.ts"], ...serial, ...native } },
    ],
  },
});
