// Ctrl-C reaches every process of the terminal, and what `timeout` sends every process of its group. The one that runs these
// tests lives on, so that they can clean up: whoever started it tells it when to stop (scripts/commands/run-suite.ts).

import { afterAll } from "vitest";

const outlive = (): void => undefined;

process.on("SIGINT", outlive);
process.on("SIGHUP", outlive);
process.on("SIGTERM", outlive);
// By this one Vitest ends it, once it has run its file.
afterAll(() => void process.off("SIGTERM", outlive));
