// The engine builds an image on a stand-in by BuildKit, without a registry, as the project's own image is built.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

import { test } from "vitest";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureCompose } from "../../scripts/tools/docker/compose.ts";
import { imageNames } from "../../scripts/tools/docker/stand-ins/images.ts";

const exec = promisify(execFile);

// No `# syntax=` line: its image would come from a registry.
const dockerfile = `FROM ${imageNames.node} AS made
RUN --mount=type=secret,id=token,target=/run/token \\
    --mount=type=cache,target=/root/.npm \\
    node -p 'fs.readFileSync("/run/token", "utf8").length' > /length
FROM ${imageNames.node}
COPY --from=made /length /length
RUN install -d -o 1000 -g 1000 -m 0750 /var/lib/made && npm --version
USER 1000:1000
CMD ["-p", "fs.readFileSync('/length', 'utf8') + fs.statSync('/var/lib/made').uid + fs.existsSync('/run/token')"]
`;

test("Compose builds on the stand-in of Node's image: a shell, npm, a secret that stays out of it", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await mkdtemp(join(tmpdir(), "mesh-build-"));
  const image = basename(dir).toLowerCase();
  onTestFinished(async () => {
    await exec("docker", ["image", "rm", "--force", image]);
    await rm(dir, { recursive: true });
  });
  const services = { made: { image, build: { context: ".", network: "none", secrets: ["token"] } } };
  const description = { services, secrets: { token: { file: "./token" } } };
  await writeFile(join(dir, "Dockerfile"), dockerfile);
  await writeFile(join(dir, "token"), "seven77");
  await writeFile(join(dir, "compose.yaml"), JSON.stringify(description));
  const options = { cacheDir: toolCacheDir(), report: () => {}, signal: new AbortController().signal, fetch: true };
  const { command } = await ensureCompose(options);
  const [program, ...words] = command;
  await exec(program, [...words, "--progress", "plain", "build"], { cwd: dir });
  const { stdout } = await exec("docker", ["run", "--rm", "--network", "none", image]);
  expect(stdout).toBe("7\n1000false\n");
});
