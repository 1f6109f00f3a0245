// Finds an iptables that works with this kernel: Debian's default speaks nftables, which some kernels lack; dockerd
// calls whatever is named iptables in its PATH.

import { mkdir, rm, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { MeshError } from "../../errors.ts";
import { run } from "../child.ts";
import { findProgram } from "./install-engine.ts";

export interface IptablesOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Made when it is needed: holds names that hide the machine's own iptables from dockerd. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

/**
 * Returns a PATH whose iptables works. The machine's choice (update-alternatives) is not changed.
 *
 * @throws MeshError MESH_PREREQUISITE with the words of both when neither does
 */
export async function provideIptables({ env, dir, signal }: IptablesOptions): Promise<string> {
  const path = env["PATH"] ?? "";
  const said: string[] = [];
  for (const backend of ["", "-nft", "-legacy"]) {
    const program = `iptables${backend}`;
    if ((await findProgram(program, env)) === undefined) continue;
    const { status, tail } = await run(program, ["--wait", "--table", "nat", "--list-rules"], { env, signal });
    if (status === 0) return backend === "" ? path : [await nameThem(backend, { env, dir }), path].join(delimiter);
    said.push(`${program}: ${tail.join(" ")}`);
  }
  throw new MeshError("MESH_PREREQUISITE", "a Docker engine needs iptables, and none works with this kernel", {
    details: said,
    fix: "use a kernel with nf_tables or ip_tables, or a machine where Docker runs",
  });
}

/** The programs of a backend under their plain names: `iptables-save` is a link to `iptables-legacy-save`. */
async function nameThem(backend: string, { env, dir }: Pick<IptablesOptions, "env" | "dir">): Promise<string> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  for (const family of ["iptables", "ip6tables"]) {
    for (const action of ["", "-save", "-restore"]) {
      const target = await findProgram(`${family}${backend}${action}`, env);
      if (target !== undefined) await symlink(target, join(dir, `${family}${action}`));
    }
  }
  return dir;
}
