// An image for a test, built by Compose from a Dockerfile on the stand-ins, without a registry.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureCompose } from "../../scripts/tools/docker/compose.ts";
import { run } from "../e2e/command.ts";

export interface BuiltImage extends AsyncDisposable {
  readonly name: string;
}

export interface ImageSource {
  /** Without a `# syntax=` line: its image would come from a registry. */
  readonly dockerfile: string;
  /** What is copied, by name. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** What RUN may mount, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export async function buildImage({ dockerfile, files = {}, secrets = {} }: ImageSource): Promise<BuiltImage> {
  await using made = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "mesh-image-"));
  made.defer(() => rm(dir, { recursive: true }));
  const name = basename(dir).toLowerCase();
  const built = { image: name, build: { context: ".", network: "none", secrets: Object.keys(secrets) } };
  const given = Object.keys(secrets).map((secret) => [secret, { file: `./${secret}` }]);
  const description = JSON.stringify({ services: { built }, secrets: Object.fromEntries(given) });
  const all = { Dockerfile: dockerfile, "compose.yaml": description, ...files, ...secrets };
  for (const [file, content] of Object.entries(all)) await writeFile(join(dir, file), content);
  const options = { cacheDir: toolCacheDir(), report: () => {}, signal: new AbortController().signal, fetch: true };
  const { command } = await ensureCompose(options);
  const [program, ...words] = command;
  const { status, stderr } = await run(program, [...words, "--progress", "plain", "build"], {
    cwd: dir,
    env: process.env,
    deadlineMs: 120_000,
  });
  if (status !== 0) throw new Error(`the image could not be built:\n${stderr}`);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await run("docker", ["image", "rm", "--force", name], { cwd: tmpdir(), env: process.env, deadlineMs: 30_000 });
    },
  };
}
