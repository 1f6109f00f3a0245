// Volumes in memory keep the owner that they were made with. Where the mesh is to give one to somebody else, because a
// workload has moved to another trust domain, it is made anew; Compose before 2.32 does not notice, and later ones ask.

import { type ComposeProject, compose, docker, idsOf, inspect } from "./compose-project.ts";

/** Removes them with the containers that have them, for `docker compose up` to make both. Data on disk is never touched. */
export async function dropStaleVolumes(project: ComposeProject): Promise<void> {
  const ids = await idsOf(project, "volume");
  if (ids.length === 0) return;
  const [wanted, printed] = await Promise.all([wantedVolumes(project), inspect(project, "volume", ids)]);
  const found: readonly Inspected[] = JSON.parse(printed);
  const stale = found.filter(({ Name, Options }) => {
    const options = wanted.get(Name);
    return options?.["type"] === "tmpfs" && Options?.["type"] === "tmpfs" && options["o"] !== Options["o"];
  });
  if (stale.length === 0) return;
  const names = stale.map(({ Name }) => Name);
  const filters = names.flatMap((name) => ["--filter", `volume=${name}`]);
  const listed = await docker(project, ["container", "ls", "--all", "--quiet", "--no-trunc", ...filters]);
  const containers = listed.split("\n").filter((line) => line !== "");
  if (containers.length > 0) await docker(project, ["container", "rm", "--force", ...containers]);
  await docker(project, ["volume", "rm", ...names]);
}

type Options = Readonly<Record<string, string>>;

/** What is read of `docker volume inspect` (Docker Engine API, VolumeInspect). */
interface Inspected {
  readonly Name: string;
  readonly Options?: Options | null;
}

/** By their names at the engine. What Compose cannot read it says when it is to bring it up. */
async function wantedVolumes(project: ComposeProject): Promise<ReadonlyMap<string, Options>> {
  const { status, stdout } = await compose(project, ["config", "--format", "json"]);
  if (status !== 0) return new Map();
  const { volumes = {} }: { volumes?: Record<string, { name: string; driver_opts?: Options }> } = JSON.parse(stdout);
  return new Map(Object.values(volumes).map(({ name, driver_opts: options = {} }) => [name, options]));
}
