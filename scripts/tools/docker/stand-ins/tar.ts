// Writes tar archives (POSIX ustar, pax(1)) whose entries have the owners and modes they are given: a tar made from a
// folder has those of the machine and its user. Entries have no times, so that the same content makes the same bytes.

/** One member. Paths are relative, without a leading `./`; a folder's ends in no slash. */
export type TarEntry =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number; readonly owner: Owner }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly owner: Owner;
      /** Bytes that `content` yields. */
      readonly size: number;
      readonly content: () => AsyncIterable<Uint8Array>;
      /** Another one when the bytes are others. */
      readonly identity: string;
    };

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const root: Owner = { uid: 0, gid: 0 };

const blockSize = 512;
const typeFlags = { file: "0", link: "2", folder: "5" } as const;

/** The archive, piece by piece. Entries are taken one after the other, each when the one before has been written. */
export async function* writeTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield header(entry);
    if (entry.kind !== "file") continue;
    let written = 0;
    for await (const piece of entry.content()) {
      written += piece.length;
      yield piece;
    }
    if (written !== entry.size) throw new Error(`${entry.path} has ${written} bytes, not ${entry.size}`);
    yield Buffer.alloc(padding(entry.size));
  }
  yield Buffer.alloc(2 * blockSize);
}

/** The size of the archive that `writeTar` makes of these entries. */
export function tarSize(entries: Iterable<TarEntry>): number {
  let size = 2 * blockSize;
  for (const entry of entries) size += blockSize + (entry.kind === "file" ? entry.size + padding(entry.size) : 0);
  return size;
}

/** A file whose content is at hand. */
export function textFile(path: string, text: string, { mode, owner }: { mode: number; owner: Owner }): TarEntry {
  const bytes = Buffer.from(text);
  const content = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return { kind: "file", path, mode, owner, size: bytes.length, content, identity: text };
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockSize);
  const { uid, gid } = entry.kind === "link" ? root : entry.owner;
  const { name, prefix } = splitPath(entry.kind === "folder" ? `${entry.path}/` : entry.path);
  block.write(name, 0);
  octal(block, entry.kind === "link" ? 0o777 : entry.mode, { at: 100, digits: 7 });
  octal(block, uid, { at: 108, digits: 7 });
  octal(block, gid, { at: 116, digits: 7 });
  octal(block, entry.kind === "file" ? entry.size : 0, { at: 124, digits: 11 });
  octal(block, 0, { at: 136, digits: 11 });
  block.write(" ".repeat(8), 148);
  block.write(typeFlags[entry.kind], 156);
  if (entry.kind === "link") block.write(entry.target, 157);
  block.write("ustar\x0000", 257);
  block.write(prefix, 345);
  // The sum of the header's bytes, the checksum itself taken as blanks.
  octal(
    block,
    block.reduce((sum, byte) => sum + byte, 0),
    { at: 148, digits: 6 },
  );
  block.writeUInt8(0, 154);
  return block;
}

function octal(block: Buffer, value: number, { at, digits }: { readonly at: number; readonly digits: number }): void {
  block.write(value.toString(8).padStart(digits, "0"), at);
}

/** ustar has 100 bytes for a name and 155 for the folders before it. */
function splitPath(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  const cut = path.indexOf("/", path.length - 101);
  const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
  if (cut === -1 || name === "" || Buffer.byteLength(prefix) > 155)
    throw new Error(`a tar cannot hold the path ${path}`);
  return { name, prefix };
}

function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}
