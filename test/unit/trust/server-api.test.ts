import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Server, ServerCredentials, status, type ServiceError, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";
import { test } from "vitest";

import { readHeldBundle } from "../../../scripts/trust/quarantine.ts";
import { connectServer, connectWhenUp, isNotUpYet, type ServerApi } from "../../../scripts/trust/server-api.ts";
import { authority, bundleOf, entry, relationship } from "./fixtures.ts";

const includeDirs = [join(import.meta.dirname, "../../../scripts/trust/proto")];
const definitions = loadSync(["entry.proto", "bundle.proto", "trustdomain.proto"], { includeDirs });

function service(name: string): ServiceDefinition {
  const definition = definitions[name];
  if (definition === undefined || "format" in definition) throw new Error(`${name} is not a service`);
  return definition;
}

type Answer = (request: object) => object | { readonly code: number; readonly details: string } | undefined;

interface Answering extends AsyncDisposable {
  readonly socket: string;
  readonly api: ServerApi;
}

/** A gRPC server on a Unix socket that answers by `answers`; undefined: it never does. */
async function answering(answers: Record<string, Answer>, deadlineMs = 2000): Promise<Answering> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-api-"));
  const socket = join(dir, "api.sock");
  const server = new Server();
  for (const name of ["entry.v1.Entry", "bundle.v1.Bundle", "trustdomain.v1.TrustDomain"]) {
    const definition = service(`spire.api.server.${name}`);
    const implementation: UntypedServiceImplementation = {};
    for (const method of Object.keys(definition)) {
      implementation[method] = (
        { request }: { request: object },
        reply: (error: Partial<ServiceError> | null, value?: object) => void,
      ): void => {
        const answer = answers[method]?.(request);
        if (answer === undefined) return;
        if ("code" in answer) reply(answer);
        else reply(null, answer);
      };
    }
    server.addService(definition, implementation);
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  const api = await connectServer(socket, { server: "spire-server-broker", deadlineMs });
  return {
    socket,
    api,
    [Symbol.asyncDispose]: async () => {
      api.close();
      server.forceShutdown();
      await rm(dir, { recursive: true });
    },
  };
}

test("a list is asked for page by page until there is no further token", async ({ expect }) => {
  const asked: unknown[] = [];
  await using server = await answering({
    ListEntries: (request) => {
      asked.push(Object.entries(request).find(([field]) => field === "pageToken")?.[1]);
      const id = { trustDomain: "broker.example", path: `/w${asked.length}` };
      return {
        entries: [{ id: `e${asked.length}`, spiffeId: id, parentId: id }],
        nextPageToken: asked.length < 3 ? `after-${asked.length}` : "",
      };
    },
  });
  expect((await server.api.entries()).map(({ id, spiffeId }) => [id, spiffeId])).toEqual([
    ["e1", "spiffe://broker.example/w1"],
    ["e2", "spiffe://broker.example/w2"],
    ["e3", "spiffe://broker.example/w3"],
  ]);
  expect(asked).toEqual(["", "after-1", "after-2"]);
});

test("an entry arrives at the server field by field", async ({ expect }) => {
  const received: object[] = [];
  await using server = await answering({
    BatchUpdateEntry: (request) => {
      received.push(request);
      return { results: [{ status: { code: 0 } }] };
    },
  });
  const sent = entry("mesh.w", { selectors: ["unix:path:/a:b", "unix:uid:1"], federatesWith: ["a.example"] });
  expect(await server.api.updateEntries([sent])).toEqual([{ ok: true }]);
  expect(received).toMatchObject([
    {
      entries: [
        {
          id: "mesh.w",
          spiffeId: { trustDomain: "broker.example", path: "/w" },
          selectors: [
            { type: "unix", value: "path:/a:b" },
            { type: "unix", value: "uid:1" },
          ],
          federatesWith: ["a.example"],
          x509SvidTtl: 3600,
        },
      ],
    },
  ]);
});

test("a relationship arrives with its profile and the whole introduction", async ({ expect }) => {
  const received: object[] = [];
  await using server = await answering({
    BatchCreateFederationRelationship: (request) => {
      received.push(request);
      return { results: [{ status: { code: 0 } }, { status: { code: 13, message: "no" } }] };
    },
  });
  const bundle = {
    ...bundleOf("a.example", 7),
    jwtAuthorities: [{ keyId: "k", publicKey: Buffer.from("key") }],
    refreshHintSeconds: 300,
  };
  const web = relationship("b.example", { profile: { type: "https_web" } });
  expect(await server.api.createRelationships([{ ...relationship("a.example"), bundle }, web])).toEqual([
    { ok: true },
    { ok: false, code: "INTERNAL", message: "no" },
  ]);
  expect(received).toMatchObject([
    {
      federationRelationships: [
        {
          trustDomain: "a.example",
          bundleEndpointUrl: "https://a.example:8443",
          httpsSpiffe: { endpointSpiffeId: "spiffe://a.example/spire/server" },
          trustDomainBundle: {
            trustDomain: "a.example",
            x509Authorities: [{ asn1: authority }],
            jwtAuthorities: [{ keyId: "k", publicKey: Buffer.from("key") }],
          },
        },
        { trustDomain: "b.example", httpsWeb: {} },
      ],
    },
  ]);
});

test("an empty batch makes no call", async ({ expect }) => {
  await using server = await answering({}, 200);
  expect(await server.api.deleteEntries([])).toEqual([]);
});

test("a batch with another number of results is an error, not a success", async ({ expect }) => {
  await using server = await answering({ BatchDeleteEntry: () => ({ results: [{ status: { code: 0 } }] }) });
  await expect(server.api.deleteEntries(["a", "b"])).rejects.toMatchObject({
    code: "MESH_SPIRE_API",
    message: "spire-server-broker answered 1 results to BatchDeleteEntry with 2 items",
  });
});

test("a server that does not answer ends the call at its deadline", async ({ expect }) => {
  await using server = await answering({}, 50);
  const error: unknown = await server.api.bundle().catch((problem: unknown) => problem);
  expect(error).toMatchObject({
    code: "MESH_SPIRE_API",
    message: expect.stringMatching(/^spire-server-broker did not do Bundle\.GetBundle: DEADLINE_EXCEEDED: /),
  });
  expect(isNotUpYet(error)).toBe(false);
});

test("a server that is still starting is worth another look", async ({ expect }) => {
  let looks = 0;
  await using server = await answering({
    GetBundle: () => {
      looks += 1;
      if (looks < 3) return { code: status.UNAVAILABLE, details: "server is initializing" };
      return { trustDomain: "broker.example" };
    },
  });
  await using api = await connectWhenUp(server.socket, { untilMs: 2000 });
  expect(looks).toBe(3);
  expect((await api.bundle()).trustDomain).toBe("broker.example");
});

test("a socket that its server has just made, and opens to others next, is worth another look", async ({ expect }) => {
  let looks = 0;
  await using server = await answering({
    GetBundle: () => {
      looks += 1;
      if (looks < 3)
        return { code: status.UNAVAILABLE, details: "No connection established. Last error: connect EACCES" };
      return { trustDomain: "broker.example" };
    },
  });
  await using api = await connectWhenUp(server.socket, { untilMs: 2000 });
  expect((await api.bundle()).trustDomain).toBe("broker.example");
});

test("a socket that this user may not open is not waited for", async ({ expect }) => {
  await using server = await answering({
    GetBundle: () => ({ code: status.UNAVAILABLE, details: "No connection established. Last error: connect EACCES" }),
  });
  await expect(connectWhenUp(server.socket, { server: "spire-server-broker", untilMs: 2000 })).rejects.toMatchObject({
    code: "MESH_SPIRE_API",
    message: "spire-server-broker: this user may not open its admin socket",
    fix: "run the command as the user that started the mesh",
  });
});

test("whose bundles are held is asked by name alone, and a bundle may be larger than gRPC's own limit", async ({
  expect,
}) => {
  const masks: unknown[] = [];
  const asn1 = new Uint8Array(5 * 1024 * 1024);
  await using server = await answering({
    ListFederatedBundles: (request) => {
      masks.push(Object.entries(request).find(([field]) => field === "outputMask")?.[1]);
      return { bundles: [{ trustDomain: "a.example" }] };
    },
    GetFederatedBundle: () => ({ trustDomain: "a.example", x509Authorities: [{ asn1 }] }),
  });
  expect(await server.api.heldTrustDomains()).toEqual(["a.example"]);
  // A mask that is there and names no field; one that is absent would ask for all of them.
  expect(masks).toEqual([{}]);
  expect((await server.api.federatedBundle("a.example"))?.x509Authorities[0]?.length).toBe(asn1.length);
});

test("a bundle that is too large even so is refused, and one that is not there is none", async ({ expect }) => {
  let answer: object = { x509Authorities: [{ asn1: new Uint8Array(17 * 1024 * 1024) }] };
  await using server = await answering({ GetFederatedBundle: () => answer });
  expect(await readHeldBundle(server.api, "a.example")).toEqual({ refused: "it is larger than 16 MiB" });
  answer = { code: status.NOT_FOUND, details: "bundle not found" };
  expect(await readHeldBundle(server.api, "a.example")).toBeUndefined();
  answer = { code: status.RESOURCE_EXHAUSTED, details: "rate limit" };
  await expect(readHeldBundle(server.api, "a.example")).rejects.toMatchObject({ code: "MESH_SPIRE_API" });
});
