// The stand-ins, one by one: what the official image of that name holds, as far as the mesh can meet it, and no program
// that the official one lacks. test/docker/stand-ins.test.ts holds them to that.

import { rootCertificates } from "node:tls";

import type { Tools } from "../../ensure-tools.ts";
import { type Architecture, versions } from "../../versions.ts";
import { envoyEntrypoint, nodeEntrypoint, passwd } from "./image-texts.ts";
import type { Image, ImageConfig } from "./image-archive.ts";
import { folder, link, sharedLibraries, takeFile, takeFolder, withParents } from "./machine-files.ts";
import { type Owner, type TarEntry, root, textFile } from "./tar.ts";

/** The names under which the mesh asks for the images, and a registry has the official ones. */
export const imageNames = {
  spireServer: `ghcr.io/spiffe/spire-server:${versions.spire.version}`,
  spireAgent: `ghcr.io/spiffe/spire-agent:${versions.spire.version}`,
  envoy: `envoyproxy/envoy:v${versions.envoy.version}`,
  node: `node:${versions.node.version}-bookworm-slim`,
} as const;

export interface StandInSources {
  readonly architecture: Architecture;
  readonly tools: Tools;
  /** npm's package, unpacked: npm.ts. */
  readonly npmDir: string;
}

/** What is in each image but its labels. */
export type StandIn = Omit<Image, "config"> & { readonly config: Omit<ImageConfig, "Labels"> };

export async function describeStandIns(sources: StandInSources): Promise<StandIn[]> {
  return Promise.all([
    spireImage("server", sources),
    spireImage("agent", sources),
    envoyImage(sources),
    nodeImage(sources),
  ]);
}

/** Docker's own default, in the configuration of every image that is built. */
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * SPIRE's Dockerfile: nothing but the program, root certificates and folders, all of these the user's, /etc, /run, /tmp
 * and /var among them. Its program is static; one built here needs libraries.
 */
async function spireImage(role: "server" | "agent", { architecture, tools }: StandInSources): Promise<StandIn> {
  const isServer = role === "server";
  const owner: Owner = isServer ? { uid: 1000, gid: 1000 } : root;
  const source = isServer ? tools.spireServer : tools.spireAgent;
  const inner = isServer ? "private" : "public";
  const folders = ["opt/spire/bin", `etc/spire/${role}`, `run/spire/${role}/${inner}`, `tmp/spire-${role}/${inner}`];
  const owned = withParents(
    [...folders, `var/lib/spire/${role}`].map((one) => folder(one, { owner })),
    { owner },
  );
  const program = await takeFile({ from: source, path: `opt/spire/bin/spire-${role}` }, { owner });
  return {
    name: isServer ? imageNames.spireServer : imageNames.spireAgent,
    architecture,
    config: {
      User: `${owner.uid}:${owner.gid}`,
      Env: [path],
      Entrypoint: [`/opt/spire/bin/spire-${role}`, "run"],
      WorkingDir: "/opt/spire",
    },
    entries: withParents([certificates(0o755), ...(await librariesOf([source])), program, ...owned]),
  };
}

/** envoyproxy/envoy's Dockerfile: Ubuntu, Envoy, its user, an entrypoint that gives up root. */
async function envoyImage({ architecture, tools }: StandInSources): Promise<StandIn> {
  const shell = ["sh", "env", "id", "chown", "setpriv", "sleep"];
  return {
    name: imageNames.envoy,
    architecture,
    config: {
      Env: [path, "DEBIAN_FRONTEND=noninteractive"],
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["envoy", "-c", "/etc/envoy/envoy.yaml"],
      ExposedPorts: { "10000/tcp": {} },
    },
    entries: withParents([
      ...debianBase([{ name: "envoy", uid: 101, gid: 101 }]),
      ...(await machinePrograms(shell)),
      ...(await librariesOf([tools.envoy, ...shell.map((name) => `/usr/bin/${name}`)])).map(underUsr),
      await takeFile({ from: tools.envoy, path: "usr/local/bin/envoy" }),
      textFile("docker-entrypoint.sh", envoyEntrypoint, { mode: 0o755, owner: root }),
      certificates(0o644),
      folder("etc/envoy"),
    ]),
  };
}

/** What a Dockerfile that starts from it may call in RUN; Debian has these in coreutils, dash and nothing else. */
const nodeShell = [
  "sh",
  "env",
  "cat",
  "chmod",
  "chown",
  "cp",
  "id",
  "install",
  "ln",
  "ls",
  "mkdir",
  "mv",
  "rm",
  "sleep",
];

/** nodejs/docker-node's bookworm-slim: Debian, Node with npm, the user node. Root certificates are not in it. */
async function nodeImage({ architecture, tools, npmDir }: StandInSources): Promise<StandIn> {
  const node: Owner = { uid: 1000, gid: 1000 };
  return {
    name: imageNames.node,
    architecture,
    config: {
      Env: [path, `NODE_VERSION=${process.versions.node}`],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["node"],
    },
    entries: withParents([
      ...debianBase([{ name: "node", ...node }]),
      folder("home/node", { mode: 0o755, owner: node }),
      ...(await machinePrograms(nodeShell)),
      ...(await librariesOf([tools.node, ...nodeShell.map((name) => `/usr/bin/${name}`)])).map(underUsr),
      await takeFile({ from: tools.node, path: "usr/local/bin/node" }),
      link("usr/local/bin/nodejs", "/usr/local/bin/node"),
      ...(await takeFolder({ from: npmDir, path: "usr/local/lib/node_modules/npm" })),
      link("usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js"),
      link("usr/local/bin/npx", "../lib/node_modules/npm/bin/npx-cli.js"),
      textFile("usr/local/bin/docker-entrypoint.sh", nodeEntrypoint, { mode: 0o755, owner: root }),
    ]),
  };
}

/** The folders, links and accounts that Debian's and Ubuntu's images have in common. */
function debianBase(users: readonly (Owner & { readonly name: string })[]): TarEntry[] {
  const text = { mode: 0o644, owner: root };
  const accounts = passwd(users);
  return [
    ...["bin", "lib", "lib64", "sbin"].map((name) => link(name, `usr/${name}`)),
    ...["etc", "home", "opt", "run", "srv", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "var/lib"].map((one) =>
      folder(one),
    ),
    folder("root", { mode: 0o700 }),
    ...["tmp", "var/tmp"].map((one) => folder(one, { mode: 0o1777 })),
    textFile("etc/passwd", accounts.passwd, text),
    textFile("etc/group", accounts.group, text),
  ];
}

/** Programs of this machine. */
async function machinePrograms(names: readonly string[]): Promise<TarEntry[]> {
  return Promise.all(names.map((name) => takeFile({ from: `/usr/bin/${name}`, path: `usr/bin/${name}` })));
}

async function librariesOf(programs: readonly string[]): Promise<TarEntry[]> {
  return Promise.all((await sharedLibraries(programs)).map((library) => takeFile(library)));
}

/** /lib is a link to /usr/lib: a tar that holds `lib/…` would make it a folder. */
function underUsr(entry: TarEntry): TarEntry {
  return entry.path.startsWith("usr/") ? entry : { ...entry, path: `usr/${entry.path}` };
}

/** Mozilla's, as Node brings them: the same on every machine, whatever its administrator trusts. */
function certificates(mode: number): TarEntry {
  return textFile("etc/ssl/certs/ca-certificates.crt", `${rootCertificates.join("\n")}\n`, { mode, owner: root });
}
