// What the official images are, as far as the mesh can meet it. Written from their Dockerfiles, not from the code that
// makes the stand-ins.

import { versions } from "../../scripts/tools/versions.ts";

const spire = "ghcr.io/spiffe";
/** npm is taken as it is, with what it brings. */
export const npmFolder = "usr/local/lib/node_modules/npm";
const certificates = "etc/ssl/certs/ca-certificates.crt";
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface Official {
  /** Of `docker image inspect`. */
  readonly config: Readonly<Record<string, unknown>> & { readonly Env: readonly string[] };
  /** All programs of the stand-in, every one of them in the official image too; but npm's own. */
  readonly programs: readonly string[];
  /** `PATH -> TARGET` */
  readonly links: readonly string[];
  /** Files that are neither programs nor libraries. */
  readonly texts: readonly string[];
  /** `MODE UID:GID PATH` of all folders, but npm's and those that hold the libraries. */
  readonly folders: readonly string[];
}

/** spiffe/spire, Dockerfile: `COPY --chown --chmod=755` of a tree, onto an empty image with root certificates. */
function spireImage(role: "server" | "agent", inner: string, owner: string): Official {
  const owned = ["etc", `etc/spire`, `etc/spire/${role}`, "opt", "opt/spire", "opt/spire/bin", "run", "run/spire"];
  const more = [
    `run/spire/${role}`,
    `run/spire/${role}/${inner}`,
    "tmp",
    `tmp/spire-${role}`,
    `tmp/spire-${role}/${inner}`,
  ];
  const last = ["var", "var/lib", "var/lib/spire", `var/lib/spire/${role}`];
  return {
    config: {
      User: owner,
      Entrypoint: [`/opt/spire/bin/spire-${role}`, "run"],
      WorkingDir: "/opt/spire",
      Env: [searchPath],
    },
    programs: [`opt/spire/bin/spire-${role}`],
    texts: [certificates],
    links: [],
    folders: [
      ...[...owned, ...more, ...last].map((folder) => `drwxr-xr-x ${owner} ${folder}`),
      ...["etc/ssl", "etc/ssl/certs"].map((folder) => `drwxr-xr-x 0:0 ${folder}`),
    ],
  };
}

/** What Debian's and Ubuntu's images have in common. */
const debianFolders = [
  "etc",
  "home",
  "opt",
  "run",
  "srv",
  "usr",
  "usr/bin",
  "usr/local",
  "usr/local/bin",
  "usr/sbin",
  "var",
  "var/lib",
].map((folder) => `drwxr-xr-x 0:0 ${folder}`);
const debianLinks = ["bin", "lib", "lib64", "sbin"].map((name) => `${name} -> usr/${name}`);
const ownedByRoot = ["drwx------ 0:0 root", "drwxrwxrwt 0:0 tmp", "drwxrwxrwt 0:0 var/tmp"];

export const officialImages: Readonly<Record<string, Official>> = {
  [`${spire}/spire-server:${versions.spire.version}`]: spireImage("server", "private", "1000:1000"),
  [`${spire}/spire-agent:${versions.spire.version}`]: spireImage("agent", "public", "0:0"),
  // envoyproxy/envoy, distribution/docker/Dockerfile-envoy: Ubuntu, whose programs these are; its entrypoint gives up root.
  [`envoyproxy/envoy:v${versions.envoy.version}`]: {
    config: {
      User: "",
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["envoy", "-c", "/etc/envoy/envoy.yaml"],
      Env: [searchPath, "DEBIAN_FRONTEND=noninteractive"],
      ExposedPorts: { "10000/tcp": {} },
    },
    programs: [
      "docker-entrypoint.sh",
      "usr/local/bin/envoy",
      ...["chown", "env", "id", "setpriv", "sh", "sleep"].map((program) => `usr/bin/${program}`),
    ],
    texts: [certificates, "etc/passwd", "etc/group"],
    links: debianLinks,
    folders: [
      ...debianFolders,
      ...ownedByRoot,
      ...["etc/envoy", "etc/ssl", "etc/ssl/certs"].map((folder) => `drwxr-xr-x 0:0 ${folder}`),
    ],
  },
  // nodejs/docker-node, 24/bookworm-slim: Debian, whose programs these are; its root certificates are removed again.
  [`node:${versions.node.version}-bookworm-slim`]: {
    config: {
      User: "",
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["node"],
      Env: [searchPath, `NODE_VERSION=${process.versions.node}`],
    },
    programs: [
      ...["docker-entrypoint.sh", "node"].map((program) => `usr/local/bin/${program}`),
      ...["cat", "chmod", "chown", "cp", "env", "id", "install", "ln", "ls", "mkdir", "mv", "rm", "sh", "sleep"].map(
        (program) => `usr/bin/${program}`,
      ),
    ],
    texts: ["etc/passwd", "etc/group"],
    links: [
      ...debianLinks,
      "usr/local/bin/nodejs -> /usr/local/bin/node",
      ...["npm", "npx"].map((name) => `usr/local/bin/${name} -> ../lib/node_modules/npm/bin/${name}-cli.js`),
    ],
    folders: [
      ...debianFolders,
      ...ownedByRoot,
      "drwxr-xr-x 1000:1000 home/node",
      ...["usr/local/lib", "usr/local/lib/node_modules"].map((folder) => `drwxr-xr-x 0:0 ${folder}`),
    ],
  },
};
