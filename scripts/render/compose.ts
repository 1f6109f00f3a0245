// docker-compose.yml: the docker plan as a Compose file that people read as a tutorial. Pure.

import type { Plan, Process, Role } from "../plan/plan.ts";
import { fragmentComments, fragments } from "./compose-fragments.ts";
import { service, type ComposeInput } from "./compose-service.ts";
import { networkComments, networks } from "./compose-networks.ts";
import { volumes } from "./compose-storage.ts";
import { composeYaml, type Comments, type ComposeMap } from "./compose-yaml.ts";

const heading = `The mesh of mesh.yaml in containers:  docker compose up --wait
Rendered from mesh.yaml by \`./mesh render\`: edit that, not this.

Everything starts at once and waits by itself for what it needs, but for two things: a server for the keys of its agent
(spire-keys), agents and sidecars for the identities and files that they first ask for (spire-bootstrap). \`--wait\` ends
when every controller has seen its sidecars hold their SVIDs and bundles, and every app that calls another had an answer.`;

const swappedHeading = `The mesh of mesh.yaml in containers, with who serves as ./mesh swap has it: the project's Compose file until \`./mesh swap --back\`,
\`stop\` or \`down\`. Written by ./mesh; docker-compose.yml says what mesh.yaml says.`;

/** Order of services within a trust domain: that of their start. */
const roles: readonly Role[] = [
  "keys",
  "spire-server",
  "controller",
  "bootstrap",
  "spire-agent",
  "network",
  "sidecar",
  "app",
  "contract",
];

export interface ComposeFileInput extends ComposeInput {
  /** Of the project. */
  readonly name: string;
  /** The checkout, for images that are built. */
  readonly context: string;
  /** While a swap lasts the file is another, in the state folder. */
  readonly isSwapped?: boolean;
}

export function composeFile(input: ComposeFileInput): string {
  const { plan, name, context, isSwapped = false } = input;
  const processes = plan.domains.flatMap(({ trustDomain }) => inOrder(plan, trustDomain));
  const content = {
    name,
    ...fragmentsFor(processes, context),
    services: Object.fromEntries(processes.map((process) => [process.name, service(input, process)])),
    networks: networks(plan),
    volumes: volumes(plan),
    secrets: {
      npmrc: { file: "${MESH_NPMRC:-/dev/null}" },
      certificates: { file: "${NODE_EXTRA_CA_CERTS:-/dev/null}" },
    },
  };
  return composeYaml(isSwapped ? swappedHeading : heading, content, {
    ...fragmentComments,
    ...serviceComments(plan, processes),
    ...networkComments(plan),
    ...volumeComments(plan),
  });
}

/** Nothing is explained that this mesh has not. */
function fragmentsFor(processes: readonly Process[], context: string): ComposeMap {
  const { "x-network": network, ...common } = fragments(context);
  return processes.some(({ role }) => role === "network") ? { ...common, "x-network": network } : common;
}

function inOrder(plan: Plan, trustDomain: string): Process[] {
  const own = plan.processes.filter((process) => process.trustDomain === trustDomain);
  return roles.flatMap((role) => own.filter((process) => process.role === role));
}

const roleComments: Readonly<Record<Role, string>> = {
  keys:
    "Makes the key by which the agent proves itself to its server, on this machine, once; and the CA, whose own key nobody\n" +
    "keeps, by which the server knows it.",
  "spire-server":
    "The CA. Its admin socket can mint any identity: it is in the controller, and in the one-shot before it.\n" +
    "Ask it: docker compose exec SERVICE /opt/spire/bin/spire-server entry show -socketPath /run/mesh/SERVICE/api.sock",
  controller:
    "Makes server and sidecars agree with mesh.yaml and goes on watching them. The only one to hold their admin sockets, and\n" +
    "the only one to write what its sidecars are told (xds).",
  bootstrap:
    "Introduces the trust domain to its partners and enters its identities before its agent first asks for them.",
  "spire-agent":
    "Hands an SVID to each sidecar, by its Unix user. Its socket is in the sidecars and nowhere else: an app beside one cannot\n" +
    "ask for the SVID.",
  network:
    "An app that can only do TCP listens on loopback in its sidecar's network namespace. This holds it, so that neither loses it\n" +
    "when the other is started anew. If this ends both end with it (pid), and `up` starts all three: they would go on without it.\n" +
    "It is healthy while the app listens there and nowhere else.",
  sidecar: "mTLS with peers ends here: who may call, whom it may call. envoy/ has what the controller tells it.",
  app: "Plain HTTP on Unix sockets. No network at all: its sidecar's sockets are the only way in or out.",
  contract:
    "Asks the app of either slot what the app contract asks, from where its sidecar would. Run by `./mesh swap`, and not by `up`.",
};

/** Each kind of service is explained where it stands first; each trust domain has a line. */
function serviceComments(plan: Plan, processes: readonly Process[]): Comments {
  const explained = new Set<Role>();
  const comments: Record<string, string> = {};
  for (const process of processes) {
    const lines = process.role === "keys" ? [domainLine(plan, process)] : [];
    if (!explained.has(process.role)) lines.push(roleComments[process.role]);
    explained.add(process.role);
    if (lines.length > 0) comments[`services.${process.name}`] = lines.join("\n");
  }
  return comments;
}

function domainLine(plan: Plan, { trustDomain }: Process): string {
  const domain = plan.domains.find((candidate) => candidate.trustDomain === trustDomain);
  const partners = domain?.relationships.map((partner) => partner.trustDomain) ?? [];
  return `──── ${trustDomain}${partners.length === 0 ? "" : `, federates with ${partners.join(", ")}`} ────`;
}

function volumeComments(plan: Plan): Comments {
  return {
    volumes: "Whoever must not have a socket does not have its volume.",
    secrets:
      "Only while images are built, and in none of them. Behind a registry of your own: MESH_NPMRC=~/.npmrc docker compose build",
    ...(plan.domains[0] === undefined
      ? {}
      : {
          [`volumes.${plan.domains[0].server.process}-data`]:
            "These lie on disk and outlive `down`: the CA's key and the agent's.",
        }),
  };
}
