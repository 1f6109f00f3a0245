// Who serves quotes, as a test of a swap sees it.

import type { Place } from "./place.ts";

/** What must outlive every swap: the sidecar's process, and the SVID that it shows. */
export async function sidecarOf(mesh: Place) {
  const { trustDomains } = await mesh.status();
  const sidecars = trustDomains.flatMap(({ facts }) => facts?.sidecars ?? []);
  const serial = sidecars.find(({ workload }) => workload === "quotes")?.svid?.serial;
  return { pid: (await mesh.process("quotes-sidecar")).pid, serial };
}

/** Processes that run as the app of quotes, or beside it for a swap's sake. */
export async function appsOf(mesh: Place): Promise<string[]> {
  const processes = await mesh.ps();
  return processes.map(({ name }) => name).filter((name) => /^quotes(?!-sidecar$)/.test(name));
}
