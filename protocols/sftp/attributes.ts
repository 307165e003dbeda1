import type { WireReader, WireWriter } from "./wire.ts";

/** File attributes of draft-ietf-secsh-filexfer-02 §5. What is absent was not sent, or is not known. */
export interface Attributes {
  readonly size?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The mode of POSIX, with the type of the file in its upper bits. */
  readonly permissions?: number;
  /** Seconds since the epoch, 32 bits unsigned. */
  readonly times?: { readonly accessed: number; readonly modified: number };
}

const flag = { size: 0x1, owner: 0x2, permissions: 0x4, times: 0x8, extended: 0x80000000 } as const;

/** @throws WireError for attributes that end too early, or a size that JavaScript cannot hold exactly. */
export function readAttributes(reader: WireReader): Attributes {
  const flags = reader.uint32();
  const attributes: Attributes = {
    ...((flags & flag.size) !== 0 && { size: reader.uint64() }),
    ...((flags & flag.owner) !== 0 && { owner: { uid: reader.uint32(), gid: reader.uint32() } }),
    ...((flags & flag.permissions) !== 0 && { permissions: reader.uint32() }),
    ...((flags & flag.times) !== 0 && { times: { accessed: reader.uint32(), modified: reader.uint32() } }),
  };
  if ((flags & flag.extended) !== 0) skipExtended(reader);
  return attributes;
}

function skipExtended(reader: WireReader): void {
  for (let pairs = reader.uint32(); pairs > 0; pairs -= 1) {
    reader.string();
    reader.string();
  }
}

export function writeAttributes(writer: WireWriter, { size, owner, permissions, times }: Attributes): void {
  const flags =
    (size === undefined ? 0 : flag.size) |
    (owner === undefined ? 0 : flag.owner) |
    (permissions === undefined ? 0 : flag.permissions) |
    (times === undefined ? 0 : flag.times);
  writer.uint32(flags);
  if (size !== undefined) writer.uint64(size);
  if (owner !== undefined) writer.uint32(owner.uid).uint32(owner.gid);
  if (permissions !== undefined) writer.uint32(permissions);
  if (times !== undefined) writer.uint32(times.accessed).uint32(times.modified);
}
