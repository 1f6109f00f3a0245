// What all containers of a mesh have in common, and all of one kind: the `x-` fragments of docker-compose.yml, with the
// reason of each line.

import versions from "../../versions.json" with { type: "json" };
import { containerUsers, defaultSubnet } from "../plan/docker.ts";
import { internal } from "./compose-networks.ts";
import { merged, type Comments, type ComposeMap } from "./compose-yaml.ts";

/** As Compose fills it in: the user's variable, or the default. */
export const subnetVariable = `\${MESH_SUBNET:-${defaultSubnet}}`;

const { spire, envoy, node } = versions;

/** The image of that name; a variable can put another, or a digest, in its place. */
function image(variable: string, name: string): string {
  return `\${${variable}:-${name}}`;
}

/** What is run as it is published. */
export const images = {
  spireServer: image("SPIRE_SERVER_IMAGE", `ghcr.io/spiffe/spire-server:${spire.version}`),
  spireAgent: image("SPIRE_AGENT_IMAGE", `ghcr.io/spiffe/spire-agent:${spire.version}`),
  envoy: image("ENVOY_IMAGE", `envoyproxy/envoy:v${envoy.version}`),
} as const;

/** How an image of the Dockerfile is built. It stands with one of the services that run it. */
function built(target: "app" | "mesh", context: string): ComposeMap {
  return {
    build: {
      context,
      target,
      args: { NODE_IMAGE: image("NODE_IMAGE", `node:${node.version}-bookworm-slim`) },
      secrets: ["npmrc", "certificates"],
    },
  };
}

/** @param context the checkout, for images that are built */
export function fragments(context: string): ComposeMap {
  return {
    "x-contained": {
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      pids_limit: 64,
      mem_limit: "192m",
      ulimits: { core: 0 },
      logging: { driver: "local", options: { "max-size": "5m", "max-file": "2" } },
      restart: "unless-stopped",
    },
    "x-subnet": { MESH_SUBNET: subnetVariable },
    "x-spire-server": { image: images.spireServer },
    "x-spire-agent": { image: images.spireAgent, pid: "host" },
    "x-sidecar": { image: images.envoy, mem_limit: "384m" },
    "x-app": { image: "${COMPOSE_PROJECT_NAME}:app", init: true },
    "x-app-build": built("app", context),
    "x-network": { "<<": merged("sidecar"), mem_limit: "64m", pids_limit: 32, stop_signal: "SIGKILL" },
    "x-controller": { image: "${COMPOSE_PROJECT_NAME}:mesh", init: true },
    "x-controller-build": built("mesh", context),
    "x-one-shot": { "<<": merged("controller"), network_mode: "none", restart: "no", cpu_shares: 4096 },
    "x-proven-images": { "mesh.images": Object.values(images).join(" ") },
    "x-proof": { interval: "1s", timeout: "45s", retries: 1 },
    "x-internal": internal,
    "x-memory": { type: "tmpfs", device: "tmpfs" },
  };
}

export const fragmentComments: Comments = {
  "x-contained":
    "Every container: nothing to write on, no privilege, and an end to what it can use up. Each process has a user of its own\n" +
    `(${containerUsers.first} and up, by its name): SPIRE tells workloads apart by it, and folders say who may enter by it.`,
  "x-contained.ulimits": "A core dump would hold keys.",
  "x-contained.restart": "Also after a reboot, in whatever order: every part waits for what it needs.",
  "x-subnet":
    "Addresses are fixed: by name, an agent's first connection takes 20 s in a network that reaches no other name server. Other\n" +
    "numbers, where these are taken: MESH_SUBNET=10.77 docker compose up",
  "x-spire-agent.pid":
    "It attests a workload by the Unix user behind the socket, so it sees processes of the host. Nobody else does.",
  "x-sidecar.mem_limit": "Envoy sheds load at 256 MiB of heap.",
  "x-app": "Our apps, on the Node image.",
  "x-app.init":
    "As a container's first process Node would not hear that it is to end before it has begun to listen for it.",
  "x-network":
    "Any image that is there anyway and can sleep. Memory and processes are for the engine, which enters it to run its health check.",
  "x-controller": "Our programs: the controller of a trust domain, and the one-shots before it.",
  "x-one-shot.cpu_shares": "Others wait for these.",
  "x-proven-images":
    "Whoever proves the work of others is made anew with them: its last proof would be of the images before.",
  "x-proof":
    "Engines before 25 know no start_interval: the first look comes at once and waits for the proof, later ones come every 10 s.\n" +
    "Images without a program that could prove anything have no health check; the controller proves their work.",
  "x-internal":
    "No way out: not to the internet, not to another network; and the host has no address there, so not to it or from it either.",
  "x-memory":
    "Sockets and files that are made anew: in memory, with the owner and mode that the path has natively too. `…-slot-2` is for an\n" +
    "app that takes another's place while it serves (./mesh swap).",
};
