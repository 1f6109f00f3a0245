// What the examples are run with, where every process of a mesh finds it: a JDK and Python, installed as root where they are
// missing. Go is a requirement of the repository itself.

import { childPath } from "../../../scripts/plan/processes.ts";
import { installPrograms } from "../../../scripts/tools/docker/install-engine.ts";

/** @throws MeshError when one is missing and cannot be installed here */
export async function ensureLanguages(): Promise<void> {
  const { signal } = new AbortController();
  const env = { ...process.env, PATH: childPath };
  const packages = { javac: "default-jdk-headless", java: "default-jdk-headless", python3: "python3" };
  await installPrograms(packages, { env, report: () => {}, signal, stage: "languages" });
}
