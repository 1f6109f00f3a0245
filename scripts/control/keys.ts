// The one-shot spire-keys-<name> of the docker runtime, before SPIRE Server starts: the agent's key and certificate, and
// the CA by which the server knows them, by the same code as natively. What is valid is kept.

import { chmod, chown, mkdir } from "node:fs/promises";

import { printNote } from "../output/print.ts";
import type { Folder, Process } from "../plan/plan.ts";
import { loadX509, prepareAgentKeys } from "../runtime/keys.ts";
import { runOneShot } from "./one-shot.ts";

// Loaded here, so that it is in the image's compile cache.
await loadX509();

await runOneShot("keys.ts", async ({ plan, domain }) => {
  const self = plan.processes.find(({ role, trustDomain }) => role === "keys" && trustDomain === domain.trustDomain);
  const folders = plan.folders.filter(({ durable, mounts }) => durable && self !== undefined && mounts?.[self.name]);
  for (const folder of folders) await prepareFolder(folder, self);
  const rekeyed = await prepareAgentKeys(plan);
  printNote(rekeyed.length === 0 ? "the keys are valid" : `new keys for ${rekeyed.join(" and ")}`);
});

/** In a volume that is new; only the user itself makes it, and hands it to a group of its own. */
async function prepareFolder({ path, owner, mode }: Folder, self: Process | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (owner.uid !== self?.user.uid) throw new Error(`${path} is not the folder of ${self?.name}`);
  await chown(path, owner.uid, owner.gid);
  await chmod(path, mode);
}
