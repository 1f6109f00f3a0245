// What Envoy, asked itself, says of the CA certificates that a partner's bundle may not hold: without that rule one of them
// would stop the updates of all bundles.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { test } from "vitest";

import { refusalOfCa } from "../../../scripts/spiffe/ca-profile.ts";
import { toolCacheDir } from "../../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../../scripts/tools/ensure-tools.ts";
import { oddAuthority, oddities } from "../../odd-authorities.ts";
import { newAuthority } from "../../verify/instance/authority.ts";

const { signal } = new AbortController();

function clusterTrusting(der: Uint8Array): string {
  const base64 = Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{1,64}/g, "$&\n");
  const pem = `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`;
  const validator = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig",
    trust_domains: [{ name: "evil.example", trust_bundle: { inline_string: pem } }],
  };
  const context = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    common_tls_context: {
      validation_context: {
        custom_validator_config: { name: "envoy.tls.cert_validator.spiffe", typed_config: validator },
      },
    },
  };
  const cluster = {
    name: "peer",
    type: "STATIC",
    load_assignment: { cluster_name: "peer", endpoints: [] },
    transport_socket: { name: "envoy.transport_sockets.tls", typed_config: context },
  };
  return JSON.stringify({ static_resources: { clusters: [cluster] } });
}

test("Envoy refuses every one that is not taken, and takes the sound one", async ({ expect, onTestFinished }) => {
  const { envoy } = await ensureTools({ cacheDir: toolCacheDir(), offline: false, report: () => {}, signal });
  const dir = await mkdtemp(join(tmpdir(), "mesh-odd-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, "envoy.json");
  const judged = async (der: Uint8Array): Promise<string> => {
    await writeFile(file, clusterTrusting(der));
    try {
      await promisify(execFile)(envoy, ["--mode", "validate", "-c", file, "--log-level", "critical"]);
      return "taken";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  const { der: sound } = await newAuthority("evil.example");
  expect(await judged(sound)).toBe("taken");
  expect(refusalOfCa(sound)).toBeUndefined();
  for (const oddity of oddities) {
    const odd = oddAuthority(sound, oddity);
    expect(await judged(odd), oddity).toContain("Failed to load trusted CA certificate for evil.example");
    expect(refusalOfCa(odd), oddity).toBeDefined();
  }
});
