import { type Attributes, writeAttributes } from "./attributes.ts";
import type { PacketMemory } from "./packet-memory.ts";
import { WireWriter } from "./wire.ts";

/** The status codes of draft-ietf-secsh-filexfer-02 §7; 6 and 7 are never sent. */
export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  opUnsupported: 8,
} as const;

export type StatusCode = (typeof statusCode)[keyof typeof statusCode];

const replyType = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const;

const protocolVersion = 3;

/** Bytes before the content of a DATA reply: length, type, id, length of the content. */
const dataHeaderBytes = 13;

function reply(type: number, id: number, capacity?: number): WireWriter {
  return new WireWriter(capacity).uint32(0).byte(type).uint32(id);
}

/** Completes the message with its length field, which counts what follows it. */
function finished(writer: WireWriter): Buffer {
  return writer.patchUint32(0, writer.length - 4).finish();
}

export function versionReply(extensions: Readonly<Record<string, string>>): Buffer {
  const writer = reply(replyType.version, protocolVersion, 512);
  for (const [name, data] of Object.entries(extensions)) writer.string(name).string(data);
  return finished(writer);
}

export function statusReply(id: number, code: StatusCode, message: string): Buffer {
  return finished(reply(replyType.status, id, 64).uint32(code).string(message).string(""));
}

export function okReply(id: number): Buffer {
  return statusReply(id, statusCode.ok, "");
}

export function eofReply(id: number): Buffer {
  return statusReply(id, statusCode.eof, "end of file");
}

export function handleReply(id: number, handle: string): Buffer {
  return finished(reply(replyType.handle, id, 32).string(Buffer.from(handle, "latin1")));
}

export function attributesReply(id: number, attributes: Attributes): Buffer {
  const writer = reply(replyType.attrs, id, 48);
  writeAttributes(writer, attributes);
  return finished(writer);
}

export interface NameEntry {
  readonly name: string;
  /** The line that `ls -l` would show. */
  readonly longName: string;
  readonly attributes: Attributes;
}

/** As many of `entries` as fit into `maxBytes`, but at least one; `count` says how many. */
export function nameReply(
  id: number,
  entries: readonly NameEntry[],
  maxBytes = Number.POSITIVE_INFINITY,
): { packet: Buffer; count: number } {
  const writer = reply(replyType.name, id, 256 * Math.max(1, entries.length)).uint32(0);
  let count = 0;
  for (const entry of entries) {
    const item = nameItem(entry);
    if (count > 0 && writer.length + item.length > maxBytes) break;
    writer.raw(item);
    count += 1;
  }
  writer.patchUint32(9, count);
  return { packet: finished(writer), count };
}

function nameItem({ name, longName, attributes }: NameEntry): Buffer {
  const writer = new WireWriter(256).string(name).string(longName);
  writeAttributes(writer, attributes);
  return writer.finish();
}

/** The answer to what asks for one path (REALPATH and its kin); its attributes are meaningless and left out. */
export function pathReply(id: number, path: string): Buffer {
  return nameReply(id, [{ name: path, longName: path, attributes: {} }]).packet;
}

export function extendedReply(id: number, write: (writer: WireWriter) => void): Buffer {
  const writer = reply(replyType.extended, id);
  write(writer);
  return finished(writer);
}

/** A DATA reply whose content is read straight into the packet: header and content share one piece of memory. */
export class DataReply {
  readonly #packet: Buffer;

  constructor(id: number, capacityBytes: number, memory: PacketMemory) {
    this.#packet = memory.take(dataHeaderBytes + capacityBytes);
    this.#packet.writeUInt8(replyType.data, 4);
    this.#packet.writeUInt32BE(id, 5);
  }

  /** Where the content goes. */
  get target(): Buffer {
    return this.#packet.subarray(dataHeaderBytes);
  }

  finish(contentBytes: number): Buffer {
    this.#packet.writeUInt32BE(dataHeaderBytes - 4 + contentBytes, 0);
    this.#packet.writeUInt32BE(contentBytes, 9);
    return this.#packet.subarray(0, dataHeaderBytes + contentBytes);
  }
}
