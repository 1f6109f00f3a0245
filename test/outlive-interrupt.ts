// Ctrl-C reaches every process of the terminal. The one that runs these tests lives on, so that they can clean up: whoever
// started it tells it when to stop (scripts/commands/run-suite.ts).

process.on("SIGINT", () => undefined);
