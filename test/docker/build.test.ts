// The engine builds an image on a stand-in by BuildKit, without a registry, as the project's own image is built.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { test } from "vitest";

import { imageNames } from "../../scripts/tools/docker/stand-ins/images.ts";
import { buildImage } from "./built-image.ts";

const exec = promisify(execFile);

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
}) => {
  await using image = await buildImage({ dockerfile, secrets: { token: "seven77" } });
  const { stdout } = await exec("docker", ["run", "--rm", "--network", "none", image.name]);
  expect(stdout).toBe("7\n1000false\n");
});
