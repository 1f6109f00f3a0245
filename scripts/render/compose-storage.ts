// Folders of a docker plan as Compose volumes: whoever is not named by a folder has not even the mount.

import type { Folder, Plan, Process } from "../plan/plan.ts";
import { merged, type ComposeMap } from "./compose-yaml.ts";

/** Sockets, and files of a few kB. */
const small = "size=1m,nosuid,nodev,noexec";

/** Mounts of one service. `configDir`: where the checkout's `spire/` and `envoy/` are in containers. */
export function storage(plan: Plan, process: Process, configDir: string): ComposeMap {
  const config = [...new Set(process.files.map(parentOf))].map(
    (folder) => `.${folder.slice(configDir.length)}:${folder}:ro`,
  );
  const mine = plan.folders.filter(({ mounts }) => mounts?.[process.name] !== undefined);
  const shared = mine.filter(isVolume).map((folder) => {
    // A durable folder is made by its user in a volume that anybody may write to: only these two processes have it.
    const at = folder.durable ? parentOf(folder.path) : folder.path;
    return `${volumeName(plan, folder)}:${at}${folder.mounts?.[process.name] === "read" ? ":ro" : ""}`;
  });
  const alone = mine.filter((folder) => !isVolume(folder)).map((folder) => `${folder.path}:${options(folder)}`);
  return {
    ...(config.length + shared.length === 0 ? {} : { volumes: [...config, ...shared] }),
    ...(alone.length === 0 ? {} : { tmpfs: alone }),
  };
}

/** Named volumes. What lies in memory is gone when the last container that mounts it stops. */
export function volumes(plan: Plan): ComposeMap {
  const named = plan.folders.filter(isVolume).map((folder) => {
    const memory = { driver_opts: { "<<": merged("memory"), o: options(folder) } };
    return [volumeName(plan, folder), folder.durable ? {} : memory];
  });
  return Object.fromEntries(named);
}

/** A folder of one process alone is that container's own; one of several, or one that outlives it, is a volume. */
function isVolume({ mounts = {}, durable }: Folder): boolean {
  return durable || Object.keys(mounts).length > 1;
}

function options({ owner, mode }: Folder): string {
  return `uid=${owner.uid},gid=${owner.gid},mode=${mode.toString(8).padStart(4, "0")},${small}`;
}

/** `/run/mesh/quotes-sidecar/admin` → `quotes-sidecar-admin`; what is durable is a server's data or an agent's key. */
function volumeName(plan: Plan, { path, durable }: Folder): string {
  const parts = path.split("/");
  if (!durable) return parts.slice(3).join("-");
  const isData = plan.domains.some(({ server }) => server.dataDir === path);
  return `${parts.at(-1)}-${isData ? "data" : "key"}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
