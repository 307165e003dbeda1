import { FileError } from "../../core/errors.ts";
import { type Attributes, readAttributes } from "./attributes.ts";
import { WireError, WireReader } from "./wire.ts";

/** The types of request of draft-ietf-secsh-filexfer-02 §3. */
export const packetType = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const;

interface OnPath {
  readonly path: string;
}

interface OnHandle {
  readonly handle: string;
}

interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** What check-file asks: digests of blocks of a range, or of the whole range where `blockBytes` is 0. */
export interface DigestQuery extends FileRange {
  readonly algorithms: string;
  readonly blockBytes: number;
}

/** What each kind of request says. Extensions that mean the same as a request of the draft are that kind. */
interface RequestFields {
  open: OnPath & { readonly flags: number; readonly attributes: Attributes };
  close: OnHandle;
  read: OnHandle & FileRange;
  write: OnHandle & { readonly offset: number; readonly data: Buffer };
  stat: OnPath;
  fstat: OnHandle;
  setstat: OnPath & { readonly attributes: Attributes };
  fsetstat: OnHandle & { readonly attributes: Attributes };
  opendir: OnPath;
  readdir: OnHandle;
  remove: OnPath;
  mkdir: OnPath;
  rmdir: OnPath;
  realpath: OnPath;
  rename: { readonly from: string; readonly to: string; readonly overwrite: boolean };
  fsync: OnHandle;
  statvfs: OnPath;
  fstatvfs: OnHandle;
  limits: object;
  "copy-data": OnHandle & FileRange & { readonly targetHandle: string; readonly targetOffset: number };
  "home-directory": { readonly username: string };
  "expand-path": OnPath;
  "check-file-name": OnPath & DigestQuery;
  "check-file-handle": OnHandle & DigestQuery;
  "users-groups": { readonly uids: readonly number[]; readonly gids: readonly number[] };
  unsupported: { readonly what: string };
  /** The request has an id and cannot be carried out; `error` says why. */
  invalid: { readonly error: WireError | FileError };
}

export type RequestKind = keyof RequestFields;

/** A request by its kind. `id` comes back in the reply. */
export type RequestOf<Kind extends RequestKind> = { readonly kind: Kind; readonly id: number } & RequestFields[Kind];

export type Request = { [Kind in RequestKind]: RequestOf<Kind> }[RequestKind];

type Fields = { [Kind in RequestKind]: { readonly kind: Kind } & RequestFields[Kind] }[RequestKind];

type Parse = (reader: WireReader) => Fields;

const parsers: Readonly<Record<number, Parse>> = {
  [packetType.open]: (reader) => ({
    kind: "open",
    path: readPath(reader),
    flags: reader.uint32(),
    attributes: readAttributes(reader),
  }),
  [packetType.close]: (reader) => ({ kind: "close", handle: reader.latin1() }),
  [packetType.read]: (reader) => ({
    kind: "read",
    handle: reader.latin1(),
    offset: reader.uint64(),
    length: reader.uint32(),
  }),
  [packetType.write]: (reader) => ({
    kind: "write",
    handle: reader.latin1(),
    offset: reader.uint64(),
    data: reader.string(),
  }),
  // There are no links, so all three see the same.
  [packetType.lstat]: (reader) => ({ kind: "stat", path: readPath(reader) }),
  [packetType.stat]: (reader) => ({ kind: "stat", path: readPath(reader) }),
  [packetType.fstat]: (reader) => ({ kind: "fstat", handle: reader.latin1() }),
  [packetType.setstat]: readSetstat,
  [packetType.fsetstat]: (reader) => ({
    kind: "fsetstat",
    handle: reader.latin1(),
    attributes: readAttributes(reader),
  }),
  [packetType.opendir]: (reader) => ({ kind: "opendir", path: readPath(reader) }),
  [packetType.readdir]: (reader) => ({ kind: "readdir", handle: reader.latin1() }),
  [packetType.remove]: (reader) => ({ kind: "remove", path: readPath(reader) }),
  // The attributes that follow are permissions, which are not kept.
  [packetType.mkdir]: (reader) => ({ kind: "mkdir", path: readPath(reader) }),
  [packetType.rmdir]: (reader) => ({ kind: "rmdir", path: readPath(reader) }),
  [packetType.realpath]: (reader) => ({ kind: "realpath", path: readPath(reader) }),
  [packetType.rename]: (reader) => readRename(reader, false),
  [packetType.readlink]: () => ({ kind: "unsupported", what: "symbolic links are not supported" }),
  [packetType.symlink]: () => ({ kind: "unsupported", what: "symbolic links are not supported" }),
  [packetType.extended]: readExtended,
};

const extensionParsers: Readonly<Record<string, Parse>> = {
  "posix-rename@openssh.com": (reader) => readRename(reader, true),
  "lsetstat@openssh.com": readSetstat,
  "fsync@openssh.com": (reader) => ({ kind: "fsync", handle: reader.latin1() }),
  "statvfs@openssh.com": (reader) => ({ kind: "statvfs", path: readPath(reader) }),
  "fstatvfs@openssh.com": (reader) => ({ kind: "fstatvfs", handle: reader.latin1() }),
  "limits@openssh.com": () => ({ kind: "limits" }),
  "copy-data": (reader) => ({
    kind: "copy-data",
    handle: reader.latin1(),
    offset: reader.uint64(),
    length: reader.uint64(),
    targetHandle: reader.latin1(),
    targetOffset: reader.uint64(),
  }),
  "home-directory": (reader) => ({ kind: "home-directory", username: readPath(reader) }),
  "expand-path@openssh.com": (reader) => ({ kind: "expand-path", path: readPath(reader) }),
  "check-file-name": (reader) => ({ kind: "check-file-name", path: readPath(reader), ...readDigestQuery(reader) }),
  "check-file-handle": readCheckFileHandle,
  // Paramiko's name for it.
  "check-file": readCheckFileHandle,
  "users-groups-by-id@openssh.com": (reader) => ({
    kind: "users-groups",
    uids: readNumbers(reader),
    gids: readNumbers(reader),
  }),
};

/**
 * Reads one message after INIT. A request that has an id is always answered, so what cannot be read comes back as
 * `invalid` or `unsupported`. @throws WireError when there is no id to answer.
 */
export function parseRequest(message: Buffer): Request {
  const reader = new WireReader(message);
  const type = reader.byte();
  const id = reader.uint32();
  return { id, ...readFields(type, reader) } as Request;
}

/** The version in the client's first message. @throws WireError for any other message. */
export function parseInit(message: Buffer): number {
  const reader = new WireReader(message);
  if (reader.byte() !== packetType.init) throw new WireError("the first message must be INIT");
  return reader.uint32();
}

function readFields(type: number, reader: WireReader): Fields {
  const parse = parsers[type];
  if (!parse) return { kind: "unsupported", what: `requests of type ${type} are not supported` };
  try {
    return parse(reader);
  } catch (error) {
    if (error instanceof WireError || error instanceof FileError) return { kind: "invalid", error };
    throw error;
  }
}

function readExtended(reader: WireReader): Fields {
  const name = reader.latin1();
  const parse = Object.hasOwn(extensionParsers, name) ? extensionParsers[name] : undefined;
  return parse ? parse(reader) : { kind: "unsupported", what: "the extension is not supported" };
}

/**
 * Names are UTF-8. Others cannot be shown, stored or recorded as they were meant: they are refused, and the request
 * around them is well-formed, so this is no WireError.
 */
function readPath(reader: WireReader): string {
  const path = reader.utf8();
  if (path === undefined) throw new FileError("invalid-path", "the name is not valid UTF-8");
  return path;
}

function readRename(reader: WireReader, overwrite: boolean): Fields {
  return { kind: "rename", from: readPath(reader), to: readPath(reader), overwrite };
}

function readSetstat(reader: WireReader): Fields {
  return { kind: "setstat", path: readPath(reader), attributes: readAttributes(reader) };
}

function readCheckFileHandle(reader: WireReader): Fields {
  return { kind: "check-file-handle", handle: reader.latin1(), ...readDigestQuery(reader) };
}

function readDigestQuery(reader: WireReader): DigestQuery {
  return {
    algorithms: reader.latin1(),
    offset: reader.uint64(),
    length: reader.uint64(),
    blockBytes: reader.uint32(),
  };
}

function readNumbers(reader: WireReader): number[] {
  const numbers = new WireReader(reader.string());
  return Array.from({ length: Math.floor(numbers.remaining / 4) }, () => numbers.uint32());
}
