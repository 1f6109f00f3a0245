// What tests read of `docker container inspect` (Docker Engine API, ContainerInspect).

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { labels } from "../../scripts/runtime/compose-project.ts";

export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly OOMKilled: boolean;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: {
    readonly Image: string;
    readonly User: string;
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly HostConfig: {
    readonly Privileged: boolean;
    readonly CapAdd: readonly string[] | null;
    readonly CapDrop: readonly string[] | null;
    readonly GroupAdd: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly ReadonlyRootfs: boolean;
    readonly Tmpfs?: Readonly<Record<string, string>>;
    readonly Binds: readonly string[] | null;
    readonly Devices: readonly unknown[] | null;
    readonly PidsLimit: number | null;
    readonly Memory: number;
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
    readonly NetworkMode: string;
    readonly PidMode: string;
    readonly IpcMode: string;
    readonly UTSMode: string;
    readonly UsernsMode: string;
    readonly PortBindings: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>
    > | null;
  };
  readonly Mounts: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Source: string;
    readonly Destination: string;
    readonly RW: boolean;
  }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

const exec = promisify(execFile);

/** Every container of a Compose project by its service. */
export async function inspectAll(project: string, env: NodeJS.ProcessEnv): Promise<ReadonlyMap<string, Inspected>> {
  const filter = `label=${labels.project}=${project}`;
  const listed = await exec("docker", ["container", "ls", "--all", "--quiet", "--filter", filter], { env });
  const ids = listed.stdout.split("\n").filter((line) => line !== "");
  if (ids.length === 0) return new Map();
  const { stdout } = await exec("docker", ["container", "inspect", ...ids], { env, maxBuffer: 64 * 1024 ** 2 });
  const all: readonly Inspected[] = JSON.parse(stdout);
  return new Map(all.map((container) => [container.Config.Labels[labels.service] ?? "", container]));
}

/** Not one that ends when its work is done. */
export function isLasting([service]: readonly [service: string, container: Inspected]): boolean {
  return !/^spire-(?:keys|bootstrap)-/.test(service);
}

export function groupsOf({ HostConfig }: Inspected): readonly string[] {
  return HostConfig.GroupAdd ?? [];
}
