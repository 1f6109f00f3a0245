// Says why `docker compose up` failed: by the container that keeps dying or cannot prove its work, with its own words; else
// by what Compose said.

import { MeshError, type ErrorCode } from "../errors.ts";
import { type ComposeProject, compose, docker } from "../runtime/compose-project.ts";
import { type Container, containersOf, isOneShot } from "../runtime/containers.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Plan, Role } from "../plan/plan.ts";

export interface ComposeFailure {
  readonly verb: string;
  readonly stderr: string;
  /** When the command began, in ms since 1970: a death before that is not its failure. */
  readonly since: number;
  readonly plan: Plan;
  readonly project: ComposeProject;
  readonly runtime: Pick<Runtime, "logs">;
}

const lastLines = 8;
const lookedAt = 40;

interface Cause {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
}

/** Docker and Compose tell these by their words alone. */
const causes: readonly Cause[] = [
  {
    words: /no space left on device|disk quota exceeded/iu,
    code: "MESH_DISK_FULL",
    message: "the engine has no space left",
    fix: "make room: docker system df; docker builder prune",
  },
  {
    words: /port is already allocated|address already in use|ports are not available/iu,
    code: "MESH_PORT_TAKEN",
    message: "a published port is taken",
    fix: "see by whom: docker ps; ss -ltnp; end it, or choose another `publish` in mesh.yaml",
  },
  {
    words: /pool overlaps with other one|invalid pool request/iu,
    code: "MESH_ADDRESS_UNUSABLE",
    message: "the mesh's addresses are those of another network",
    fix: "choose others: MESH_SUBNET=10.77 ./mesh up",
  },
  {
    words:
      /no such image|pull access denied|manifest (?:unknown|for .* not found)|failed to (?:resolve|do request|fetch)|load metadata for|lookup \S+.*(?:no such host|i\/o timeout|server misbehaving)|TLS handshake timeout|Client\.Timeout|x509:|dial tcp/iu,
    code: "MESH_IMAGE_ABSENT",
    message: "an image is not on this machine and could not be pulled",
    fix: "see that the engine reaches its registry: docker pull IMAGE; where none can be reached: ./mesh up --runtime docker --offline",
  },
];

export async function explainComposeFailure(failure: ComposeFailure): Promise<MeshError> {
  const { verb, stderr, project } = failure;
  const said = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !isProgress.test(line));
  const cause = causes.find(({ words }) => said.some((line) => words.test(line)));
  if (cause !== undefined) {
    const telling = said.filter((line) => cause.words.test(line)).slice(0, lastLines);
    const { message, fix } = cause.code === "MESH_IMAGE_ABSENT" ? await namingImages(cause, failure) : cause;
    return new MeshError(cause.code, message, { details: [...new Set(telling)], fix });
  }
  const culprit = verb === "up" ? worst(await containersOf(project), failure) : undefined;
  if (culprit !== undefined) return containerError(culprit, failure);
  return new MeshError("MESH_COMPOSE_FAILED", `docker compose ${verb} failed`, {
    details: said.slice(-lastLines),
    fix: `see what is there: docker compose ps --all; then run this again`,
  });
}

/** Docker and Compose may not say which image it was. One that is built here and is not yet is none of these. */
async function namingImages(
  { message, fix }: Cause,
  { project, verb }: ComposeFailure,
): Promise<Pick<Cause, "message" | "fix">> {
  if (verb === "build") return { message, fix };
  const [wanted, present] = await Promise.all([
    compose(project, ["config", "--images"]),
    docker(project, ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}"]),
  ]);
  const there = new Set(present.split("\n"));
  const absent = [...new Set(wanted.stdout.split("\n"))].filter((image) => image !== "" && !there.has(image));
  const [first] = absent;
  if (first === undefined) return { message, fix };
  return {
    message: `not on this machine, and could not be pulled: ${absent.join(", ")}`,
    fix: fix.replace("IMAGE", first),
  };
}

/** ` Container mesh-quotes-1 Started` */
const isProgress =
  /^(?:Container|Network|Volume|Image) \S+ +(?:Creat|Start|Wait|Health|Exit|Recreat|Runn|Stopp|Remov|Pull)/u;

/** Whoever waits for another in vain ends too: so the causes come first. */
const causesFirst: readonly Role[] = [
  "keys",
  "spire-server",
  "bootstrap",
  "spire-agent",
  "controller",
  "network",
  "sidecar",
  "app",
];

/** In the order in which parts need each other, the first that died, that could not prove its work, or has not yet. */
function worst(containers: readonly Container[], { plan, stderr, since }: ComposeFailure): Container | undefined {
  const byName = new Map(containers.map((container) => [container.service, container]));
  const processes = causesFirst.flatMap((role) => plan.processes.filter((process) => process.role === role));
  const inOrder = processes.flatMap((process) => {
    const container = byName.get(process.name);
    return container === undefined ? [] : [{ container, isOneShot: isOneShot(process) }];
  });
  const died = inOrder.find(({ container, isOneShot: ends }) => {
    const { state, exitCode, error } = container;
    if (error !== "") return true;
    return ends ? state === "exited" && exitCode !== 0 : state !== "running" || hasDied(container, since);
  });
  const inHealth = (status: string) => inOrder.find(({ container: { health } }) => health?.status === status);
  // Compose ends at the first that gave up; whoever waits for that one's work soon does too.
  const first = containers.find(({ name }) => stderr.includes(`container ${name} is unhealthy`));
  return died?.container ?? first ?? (inHealth("unhealthy") ?? inHealth("starting"))?.container;
}

/** The engine starts what ends again; between two ends it runs. */
function hasDied({ restarts, finishedAt }: Container, since: number): boolean {
  return restarts > 0 && Date.parse(finishedAt) >= since;
}

async function containerError(container: Container, failure: ComposeFailure): Promise<MeshError> {
  const { service, name, health } = container;
  if (container.state === "paused")
    return new MeshError("MESH_PROCESS_FAILED", `${service} is paused`, {
      fix: `docker unpause ${name}; then run this again`,
    });
  const how = deathOf(container, failure);
  const lines: string[] = [];
  for await (const { text } of failure.runtime.logs([service], { lines: lookedAt, follow: false })) lines.push(text);
  const words = how !== undefined || health === undefined || health.said === "" ? lines : health.said.split("\n");
  // What ends again and again says the same each time.
  const distinct = [...new Set(words.toReversed())].toReversed();
  return new MeshError("MESH_PROCESS_FAILED", `${service} ${how ?? "could not prove its work"}`, {
    details: distinct.slice(-lastLines),
    fix: "mend what it said last, above; then run this again",
  });
}

function deathOf(container: Container, { since }: ComposeFailure): string | undefined {
  const { state, exitCode, error } = container;
  if (error !== "") return `could not be started: ${error}`;
  if (state === "restarting") return `ends again and again, with exit status ${exitCode}`;
  if (state !== "running") return `ended with exit status ${exitCode}`;
  return hasDied(container, since) ? "ends again and again" : undefined;
}
