// The client of SPIRE Server's admin socket against a real server, and its .proto files against SPIRE's own.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, test } from "vitest";

import { systemErrorCode } from "../../../scripts/errors.ts";
import { bundleDigest } from "../../../scripts/spiffe/bundle.ts";
import { reconcile } from "../../../scripts/trust/reconcile.ts";
import { connectServer, connectWhenUp, isNotUpYet } from "../../../scripts/trust/server-api.ts";
import { until } from "../../../scripts/wait.ts";
import { protoLines } from "../../unit/trust/proto-lines.ts";
import { entryPlan, startServer } from "./trust-servers.ts";

describe("the admin socket", () => {
  test("a refused call names the server, the call and SPIRE's reason", async ({ expect }) => {
    await using broker = await startServer("broker.example");
    await expect(broker.api.refreshBundle("nobody.example")).rejects.toMatchObject({
      code: "MESH_SPIRE_API",
      message:
        'spire-server of broker.example did not do TrustDomain.RefreshBundle: NOT_FOUND: no relationship with trust domain "nobody.example"',
    });
  });

  test("every item of a batch has its own outcome", async ({ expect }) => {
    await using broker = await startServer("broker.example");
    const { api } = broker;
    await reconcile(broker.plan([entryPlan(broker, "broker")], []), api, { readBundle: async () => undefined });
    const [entry] = await api.entries();
    if (entry === undefined) throw new Error("the entry is missing");
    const outcomes = await api.createEntries([
      { ...entry, id: "a", spiffeId: "spiffe://broker.example/a" },
      { ...entry, id: "b" },
      { ...entry, id: "c", spiffeId: "spiffe://broker.example/c", federatesWith: ["nobody.example"] },
    ]);
    expect(outcomes).toMatchObject([
      { ok: true },
      { ok: false, code: "ALREADY_EXISTS" },
      { ok: false, message: expect.stringContaining("nobody.example") },
    ]);
    expect(await api.deleteEntries(["a", "nothing"])).toMatchObject([{ ok: true }, { ok: false, code: "NOT_FOUND" }]);
  });

  test("a server that is not up yet is told apart, and waiting for it names it", async ({ expect }) => {
    await using broker = await startServer("broker.example");
    const gone = `${broker.adminSocket}.gone`;
    await using api = await connectServer(gone);
    const error: unknown = await api.bundle().catch((problem: unknown) => problem);
    expect(isNotUpYet(error)).toBe(true);
    expect(isNotUpYet(new Error("other"))).toBe(false);
    await expect(connectWhenUp(gone, { server: "spire-server-x", untilMs: 50 })).rejects.toMatchObject({
      code: "MESH_TIMEOUT",
      message: expect.stringContaining(`spire-server-x answers on its admin socket (${gone} is not there)`),
    });
  });

  test("a client outlives its server's restart", async ({ expect }) => {
    await using broker = await startServer("broker.example");
    await using api = await connectServer(broker.adminSocket);
    const before = bundleDigest(await api.bundle());
    await broker.restart();
    const after = await until(
      "the same client gets an answer again",
      async () => {
        return api.bundle().catch((error: unknown): undefined => {
          if (!isNotUpYet(error)) throw error;
        });
      },
      { deadlineMs: 10_000 },
    );
    expect(bundleDigest(after)).toBe(before);
  });
});

const inSdk = (name: string): string => `spire/api/server/${name}/v1/${name}.proto`;
const sdk = await sdkProtoDir();

// Without the SDK and without Go to fetch it there is nothing to compare with; the copy of what it said (unit/trust) still is.
if (sdk !== undefined) {
  test("every name, number and type of the .proto files is in the SDK of the SPIRE that is built here", async ({
    expect,
  }) => {
    const copy = await readFile(join(import.meta.dirname, "../../unit/trust/spire-api-sdk.txt"), "utf8");
    const original = protoLines(["agent", "bundle", "entry", "localauthority", "trustdomain"].map(inSdk), sdk);
    expect(original).toEqual(expect.arrayContaining(copy.trimEnd().split("\n")));
  });
}

/** `SPIRE_API_SDK_DIR`, or what Go's module cache or proxy has of the version that spire/build pins. */
async function sdkProtoDir(): Promise<string | undefined> {
  const given = process.env.SPIRE_API_SDK_DIR;
  if (given !== undefined) return join(given, "proto");
  const goMod = await readFile(join(import.meta.dirname, "../../../spire/build/go.mod"), "utf8");
  const [, module] = /(github\.com\/spiffe\/spire-api-sdk \S+)/.exec(goMod) ?? [];
  if (module === undefined) throw new Error("spire/build/go.mod does not name spire-api-sdk");
  try {
    const download = ["mod", "download", "-json", module.replace(" ", "@")];
    const { stdout } = await promisify(execFile)("go", download, { cwd: tmpdir() });
    const { Dir: dir }: { Dir: string } = JSON.parse(stdout);
    return join(dir, "proto");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined; // There is no Go on this machine.
    throw error;
  }
}
