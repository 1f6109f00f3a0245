// The command line: parses, hands over to one file per verb, turns what is thrown into an exit status. Verbs are
// imported when they are used, so that `--help` and `status` do not load what `up` needs.

import { Command, CommanderError, Option } from "commander";

import packageJson from "../package.json" with { type: "json" };
import versions from "../versions.json" with { type: "json" };
import { contextOf, type Context, type GlobalOptions } from "./commands/context.ts";
import { exitStatus, MeshError } from "./errors.ts";
import { printError } from "./output/errors.ts";
import { toleratePipeEnd } from "./output/print.ts";
import { showProgress } from "./output/progress.ts";

type Verb = (context: Context) => Promise<number>;

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => interruption.abort(new MeshError("MESH_INTERRUPTED", `interrupted by ${signal}`)));
}

/** Runs a verb with its context and leaves its answer in the exit status. */
async function run(command: Command, verb: Verb): Promise<void> {
  const options: GlobalOptions & { readonly quiet?: boolean } = command.optsWithGlobals();
  const progress = showProgress({ quiet: options.quiet === true });
  const { env } = process;
  const surroundings = { cwd: process.cwd(), env, report: progress.report, signal: interruption.signal };
  try {
    process.exitCode = await verb(contextOf(options, surroundings));
  } finally {
    progress.end();
  }
}

function program(): Command {
  const mesh = new Command("mesh")
    .description("Two organisations that share no CA let their services talk: SPIRE, Envoy, one description.")
    .version(version(), "--version", "print the versions of everything")
    // No short form: -f is --follow of logs.
    .option("--file <path>", "the description (default: mesh.yaml beside ./mesh)")
    .option("--state <dir>", "the state folder (default: .mesh beside the description)")
    .option(
      "--runtime <name>",
      "native or docker (default: what the mesh is on; else MESH_RUNTIME; else native on Linux)",
    )
    .option("--offline", "download and build nothing; say what is missing")
    .option("-q, --quiet", "no progress")
    .addHelpText("before", examples)
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride();
  addLife(mesh);
  addReading(mesh);
  addApps(mesh);
  addProof(mesh);
  addDevelopment(mesh);
  return mesh;
}

function version(): string {
  const { name, version: own } = packageJson;
  return `${name} ${own} (SPIRE ${versions.spire.version}, Envoy ${versions.envoy.version}, Node ${process.version})`;
}

const examples = `Examples:
  ./mesh up          bring everything up, then open http://localhost:8080/quotes
  ./mesh status      who is ready, who holds whose bundle, does every edge work
  ./mesh logs -f     what the processes say
  ./mesh down        end everything and destroy its keys
`;

function addLife(mesh: Command): void {
  mesh
    .command("up")
    .description("bring the mesh up, or a running one to what mesh.yaml says now")
    .action(async (_, command: Command) => run(command, (await import("./commands/up.ts")).up));
  mesh
    .command("stop")
    .description("end everything but keep SPIRE Server's own data, so that partners keep trusting us")
    .action(async (_, command: Command) => run(command, (await import("./commands/stop.ts")).stop));
  mesh
    .command("down")
    .description("end everything and destroy everything but the tool cache")
    .action(async (_, command: Command) => run(command, (await import("./commands/down.ts")).down));
  mesh
    .command("restart <process...>")
    .description("restart processes, each alone")
    .action(async (names: string[], _, command: Command) => {
      const { restart } = await import("./commands/restart.ts");
      await run(command, (context) => restart(context, names));
    });
}

function addReading(mesh: Command): void {
  const json = new Option("--json", "print JSON (docs/schemas)");
  mesh
    .command("status")
    .description("facts: servers, agents, bundles, SVIDs, edges; exit 1 when not ready")
    .addOption(json)
    .action(async (options: { json?: boolean }, command: Command) => {
      const { status } = await import("./commands/status.ts");
      await run(command, (context) => status(context, { json: options.json === true }));
    });
  mesh
    .command("ps")
    .description("the processes")
    .addOption(json)
    .action(async (options: { json?: boolean }, command: Command) => {
      const { ps } = await import("./commands/ps.ts");
      await run(command, (context) => ps(context, { json: options.json === true }));
    });
  mesh
    .command("logs [process...]")
    .description("the last lines of each log")
    .option("-f, --follow", "go on with what is written from now on")
    .option("-n, --lines <count>", "how many lines of each", "20")
    .action(async (names: string[], options: { follow?: boolean; lines: string }, command: Command) => {
      const { logs } = await import("./commands/logs.ts");
      await run(command, (context) => logs(context, { names, follow: options.follow === true, lines: options.lines }));
    });
}

/** How an app is named at a prompt, for `swap` and `contract`. */
function withAppOptions(command: Command): Command {
  return command
    .option("--app <dir>", "a folder below the repository with an app.yaml, which holds the keys of `app`")
    .option("--node <file>", "a file that Node runs")
    .option("--command <word...>", "a program and its arguments")
    .option("--image <ref>", "a container image");
}

function addApps(mesh: Command): void {
  withAppOptions(mesh.command("swap <workload>"))
    .description("replace the app of a workload while it serves: contract-tested, switched with no failed request")
    .option("--back", "return to what mesh.yaml says")
    .option("--save", "write it into mesh.yaml, whose other lines stay; without an app, that which serves now")
    .option("--canary <percent>", "give it only so many of the requests first, e.g. 10%, and compare")
    .option("--after <requests>", "judge the canary after so many answers (200)")
    .option("--failures <points>", "its share of failures may be so much larger, in points (1)")
    .option("--slower <times>", "its p99 may be so many times the other's (2)")
    .action(async (workload: string, options: SwapOptions, command: Command) => {
      const { swap } = await import("./commands/swap.ts");
      const { canaryOf } = await import("./commands/canary-option.ts");
      await run(command, async (context) => swap(context, workload, { ...options, canary: canaryOf(options) }));
    });
  mesh
    .command("dev <workload>")
    .description("run its app behind the real sidecar under Node's watch mode: edit, save, the next request has it")
    .option("--app <dir>", "another app than mesh.yaml's: a folder with an app.yaml")
    .option("--node <file>", "another app than mesh.yaml's: a file that Node runs")
    .action(async (workload: string, options: AppFlags, command: Command) => {
      const { dev } = await import("./commands/dev.ts");
      await run(command, (context) => dev(context, workload, options));
    });
  withAppOptions(mesh.command("contract <workload>"))
    .description("hold an app to the app contract, on its own: a verdict per rule; exit 1 when one is not kept")
    .addOption(new Option("--json", "print JSON (docs/schemas)"))
    .action(async (workload: string, options: ContractOptions, command: Command) => {
      const { contract } = await import("./commands/contract.ts");
      const { json = false, ...app } = options;
      await run(command, (context) => contract(context, workload, { ...app, json }));
    });
}

interface AppFlags {
  readonly app?: string;
  readonly node?: string;
  readonly command?: readonly string[];
  readonly image?: string;
}

interface SwapOptions extends AppFlags {
  readonly back?: boolean;
  readonly save?: boolean;
  readonly canary?: string;
  readonly after?: string;
  readonly failures?: string;
  readonly slower?: string;
}

interface ContractOptions extends AppFlags {
  readonly json?: boolean;
}

function addProof(mesh: Command): void {
  mesh
    .command("verify")
    .description("attack a private instance of the mesh: every claim with its evidence; exit 1 when one does not hold")
    .option("--edge <caller:callee>", "the edge to attack (default: the first that crosses trust domains)")
    .option("--filter <ids>", "only these claims or groups, e.g. A12,C15 or B")
    .option("--mutations", "also take each protection away, alone, and see that the claims notice")
    .option("--full", "with every claim under each, which takes the better part of an hour")
    .option("--live", "try what is harmless on the mesh that is up instead")
    .addOption(new Option("--json", "print JSON (docs/schemas)"))
    .option("--junit <file>", "write JUnit XML")
    .option("--html <file>", "write a page for an auditor")
    .action(async (options: VerifyFlags, command: Command) => {
      const { verify } = await import("./commands/verify.ts");
      const { full = false, mutations = full, live = false, json = false, ...given } = options;
      await run(command, (context) => verify(context, { ...given, mutations, full, live, json }));
    });
}

interface VerifyFlags {
  readonly edge?: string;
  readonly filter?: string;
  readonly mutations?: boolean;
  readonly full?: boolean;
  readonly live?: boolean;
  readonly json?: boolean;
  readonly junit?: string;
  readonly html?: string;
}

function addDevelopment(mesh: Command): void {
  mesh
    .command("render")
    .description("write what containers read, docker-compose.yml, envoy/ and spire/, as mesh.yaml says")
    .option("--check", "change nothing; exit 1 when something would change")
    .option("--print", "print every file of the native runtime instead")
    .action(async (options: { check?: boolean; print?: boolean }, command: Command) => {
      const { renderFiles } = await import("./commands/render.ts");
      await run(command, (context) =>
        renderFiles(context, { check: options.check === true, print: options.print === true }),
      );
    });
  mesh
    .command("test [suite]")
    .description(
      "prove it: format, lint, types, unit, e2e, verify, docker; or one of unit, e2e, docker, verify, soak, bench",
    )
    .action(async (suite: string | undefined, _, command: Command) => {
      const { test } = await import("./commands/test.ts");
      await run(command, (context) => test(context, suite));
    });
}

toleratePipeEnd();
try {
  await program().parseAsync();
} catch (error) {
  // commander has printed what it has to say; help and version end well.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
  else process.exitCode = printError(error);
}
