// Writes a container image as `docker load` reads it: a tar with one layer, the configuration and a manifest (Docker
// Image Specification 1.2, "Combined Image JSON + Filesystem Changeset Format").

import { createHash } from "node:crypto";

import { type TarEntry, root, tarSize, textFile, writeTar } from "./tar.ts";

/** What `docker image inspect` shows as Config, in its words. What is left out is empty there. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface Image {
  /** `ghcr.io/spiffe/spire-server:1.15.3`. */
  readonly name: string;
  readonly architecture: "amd64" | "arm64";
  readonly config: ImageConfig;
  readonly entries: readonly TarEntry[];
}

/** The archive, piece by piece: the layer is read once, while it is written. */
export async function* writeImageArchive(image: Image): AsyncGenerator<Uint8Array> {
  yield* writeTar(members(image));
}

async function* members({ name, architecture, config, entries }: Image): AsyncGenerator<TarEntry> {
  const layer = createHash("sha256");
  const content = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of writeTar(entries)) {
      layer.update(piece);
      yield piece;
    }
  };
  const how = { mode: 0o644, owner: root };
  yield { kind: "file", path: "layer.tar", size: tarSize(entries), content, identity: name, ...how };
  const description = JSON.stringify({
    architecture,
    os: "linux",
    // The same content must make the same image.
    created: "1970-01-01T00:00:00Z",
    config,
    rootfs: { type: "layers", diff_ids: [`sha256:${layer.digest("hex")}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "stand-in" }],
  });
  const file = `${createHash("sha256").update(description).digest("hex")}.json`;
  yield textFile(file, description, how);
  yield textFile("manifest.json", JSON.stringify([{ Config: file, RepoTags: [name], Layers: ["layer.tar"] }]), how);
}
