// G1–G6: ways around a sidecar on its own machine: to the app, and to the administration interface.

import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { Attempt, Claim } from "../claim.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { rightful } from "../instance/control.ts";
import { inboundOf } from "../instance/private-mesh.ts";
import { probe } from "../instance/probe.ts";
import { appSocketOf, as, domainOf, stranger, told, userOf, withoutSocket, withoutUsers } from "../instance/users.ts";
import { askingForMore } from "./callers-doors.ts";
import { policy } from "./certificates.ts";
import { guarded, listening, pidsOf } from "./guarded.ts";

function overTheDataPath(method: string, path: string, headers = ""): Attempt {
  return {
    tried: `${method} ${path} with the caller's own SVID${headers === "" ? "" : ", as a foreign page would"}`,
    run: async (mesh) =>
      probe(inboundOf(mesh.callee), {
        shown: await rightful(mesh),
        raw: `${method} ${path} HTTP/1.1\r\nhost: ${mesh.edge.callee}\r\n${headers}content-length: 0\r\nconnection: close\r\n\r\n`,
      }),
    expected: policy,
  };
}

async function configDump(mesh: LiveMesh): Promise<string> {
  const { process } = domainOf(mesh).controller;
  const { body } = await mesh.ask(process, { socket: mesh.callee.adminSocket, path: "/config_dump", deadlineMs: 2000 });
  return body;
}

const adminOf = (mesh: LiveMesh): string => mesh.callee.adminSocket;

/** Whoever runs for a workload: its apps, by whatever slot. */
function appsOf({ plan }: LiveMesh, { workload }: SidecarPlan): string[] {
  const apps = plan.processes.filter((process) => process.role === "app" && process.workload === workload);
  return [workload, ...apps.map(({ name }) => name)];
}

function controllerOf({ plan }: LiveMesh, { trustDomain }: SidecarPlan): string {
  return plan.domains.find((domain) => domain.trustDomain === trustDomain)?.controller.process ?? "";
}

const appSocket = guarded({
  tried: "the app's socket",
  path: appSocketOf,
  does: "connect",
  admits: (mesh) => [mesh.callee.process, ...appsOf(mesh, mesh.callee)],
});
const outboundSocket = guarded({
  tried: "the caller's outbound socket, where whoever asks does so in its app's name",
  path: ({ caller, edge }) => {
    const found = caller.outbound.find(({ callee }) => callee === edge.callee);
    if (found === undefined) throw new Error(`${edge.caller} does not call ${edge.callee}`);
    return found.socket;
  },
  does: "connect",
  // Its controller proves the edge by it.
  admits: (mesh) => [mesh.caller.process, ...appsOf(mesh, mesh.caller), controllerOf(mesh, mesh.caller)],
});
const adminSocket = guarded({
  tried: "the admin socket, also as the sidecar itself, whom an app could have it published by",
  path: adminOf,
  does: "connect",
  admits: (mesh) => [domainOf(mesh).controller.process],
});
const controllerSocket = guarded({
  tried: "the socket of the controller, which asks it and tells it everything",
  path: (mesh) => domainOf(mesh).controller.socket,
  does: "connect",
  admits: (mesh) => [domainOf(mesh).controller.process],
});
const rules = guarded({
  tried: "a file in the folder of what a sidecar is told",
  path: (mesh) => mesh.callee.dynamicDir,
  does: "make",
  admits: (mesh) => [domainOf(mesh).controller.process],
});
const unplanned = listening("any TCP address of the mesh that is not planned, on whatever interface", () => true);
const unplannedOfSidecars = listening("a sidecar's TCP address that is not planned", (role) => role === "sidecar");
const bySidecarsView: Attempt<LiveMesh> = {
  tried: "the app's socket by the sidecar's own view of the file system",
  notHere: (mesh) => withoutUsers(mesh) ?? withoutSocket(mesh),
  run: as(
    () => stranger,
    async (mesh: LiveMesh) => ({
      does: "connect",
      to: { socket: `/proc/${(await pidsOf(mesh, [mesh.callee.process]))[0]}/root${appSocketOf(mesh)}` },
    }),
  ),
  expected: {
    kind: "denied",
    by: "the kernel",
    saw: /^EACCES$/,
    control: {
      tried: "by the sidecar's user, by its own view",
      run: as(
        (mesh: LiveMesh) => userOf(mesh, mesh.callee.process),
        (mesh) => ({ does: "connect", to: { socket: `/proc/self/root${appSocketOf(mesh)}` } }),
      ),
      saw: /^connected$/,
    },
  },
};
const keyInDump: Attempt<LiveMesh> = {
  tried: "every private key in /config_dump, as whoever may ask for it",
  run: async (mesh) => {
    const dump = await configDump(mesh);
    const keys = [...dump.matchAll(/"private_key": \{\s*"inline_(?:bytes|string)": "([^"]*)"/g)].map(([, key = ""]) =>
      Buffer.from(key, "base64").toString("latin1"),
    );
    const isBare = /PRIVATE KEY|LS0tLS1CRUdJTiBQUklWQVRF|LS0tLS1CRUdJTiBFQyBQUklW/.test(dump);
    return told(isBare ? "a private key" : [...new Set(keys)].join(", "));
  },
  expected: {
    kind: "denied",
    by: "Envoy",
    saw: /^\[redacted\]$/,
    control: {
      tried: "the certificate of that key in the same dump",
      run: async (mesh) => told(/"certificate_chain": \{\s*"inline_bytes"/.exec(await configDump(mesh))?.[0] ?? ""),
      saw: /certificate_chain/,
    },
  },
};

export const localSockets: readonly Claim[] = [
  {
    id: "G1",
    title: "an app is reached by its sidecar alone, and nobody calls in its name",
    clause: "unix(7), pathname sockets: permissions",
    notHere: withoutUsers,
    attempts: [appSocket, outboundSocket],
    live: [{ ...appSocket, notHere: (mesh) => withoutUsers(mesh) ?? withoutSocket(mesh) }, outboundSocket],
  },
  {
    id: "G2",
    title: "there is no other way to an app",
    clause: "proc(5)",
    attempts: [unplanned, bySidecarsView],
    live: [unplanned, bySidecarsView],
  },
  {
    id: "G3",
    title: "a sidecar is asked and told by its controller alone",
    clause: "Envoy, administration interface: security",
    notHere: withoutUsers,
    attempts: [adminSocket, controllerSocket, rules],
    live: [adminSocket, controllerSocket, rules],
  },
  {
    id: "G4",
    title: "the administration interface is not on the data path",
    clause: "Envoy, administration interface: security",
    attempts: [
      overTheDataPath("GET", "/config_dump"),
      overTheDataPath("GET", "/certs"),
      overTheDataPath("GET", "/server_info"),
      overTheDataPath("POST", "/quitquitquit"),
      overTheDataPath("POST", "/logging?level=trace"),
    ],
    live: [askingForMore("/config_dump"), askingForMore("/certs")],
  },
  {
    id: "G5",
    title: "a web page reaches no administration interface",
    clause: "CVE-2026-73546",
    attempts: [
      unplannedOfSidecars,
      overTheDataPath(
        "GET",
        "/stats?format=html&filter=%3Cscript%3E",
        "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\n",
      ),
    ],
    live: [unplannedOfSidecars],
  },
  {
    id: "G6",
    title: "a configuration dump holds no private key",
    clause: "Envoy, administration interface: config_dump",
    attempts: [keyInDump],
    live: [keyInDump],
  },
];
