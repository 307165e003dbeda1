import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FileError } from "../../core/errors.ts";
import { type Attributes, readAttributes, writeAttributes } from "../../protocols/sftp/attributes.ts";
import { HandleTable } from "../../protocols/sftp/handles.ts";
import { claimsOf } from "../../protocols/sftp/request-claims.ts";
import { packetType, parseInit, parseRequest, type Request } from "../../protocols/sftp/requests.ts";
import { WireError, WireReader, WireWriter } from "../../protocols/sftp/wire.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint64 = fc.maxSafeNat();
const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed());
const handle = fc.uint8Array({ maxLength: 256 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));

const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    size: uint64,
    owner: fc.record({ uid: uint32, gid: uint32 }, { noNullPrototype: true }),
    permissions: uint32,
    times: fc.record({ accessed: uint32, modified: uint32 }, { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** One field on the wire: its value in the parsed request, and how it is written. */
type Field = readonly [value: unknown, write: (writer: WireWriter) => void];

const pathField = text.map((value): Field => [value, (writer) => writer.string(value)]);
const handleField = handle.map((value): Field => [value, (writer) => writer.string(Buffer.from(value, "latin1"))]);
const dataField = bytes.map((value): Field => [value, (writer) => writer.string(value)]);
const uint32Field = uint32.map((value): Field => [value, (writer) => writer.uint32(value)]);
const uint64Field = uint64.map((value): Field => [value, (writer) => writer.uint64(value)]);
const attributesField = attributes.map((value): Field => [value, (writer) => writeAttributes(writer, value)]);

type Shape = readonly [type: number | string, kind: Request["kind"], fields: Record<string, fc.Arbitrary<Field>>];

/** The layout of each request as the drafts and OpenSSH's PROTOCOL give it. */
const shapes: readonly Shape[] = [
  [packetType.open, "open", { path: pathField, flags: uint32Field, attributes: attributesField }],
  [packetType.close, "close", { handle: handleField }],
  [packetType.read, "read", { handle: handleField, offset: uint64Field, length: uint32Field }],
  [packetType.write, "write", { handle: handleField, offset: uint64Field, data: dataField }],
  [packetType.lstat, "stat", { path: pathField }],
  [packetType.stat, "stat", { path: pathField }],
  [packetType.fstat, "fstat", { handle: handleField }],
  [packetType.setstat, "setstat", { path: pathField, attributes: attributesField }],
  [packetType.fsetstat, "fsetstat", { handle: handleField, attributes: attributesField }],
  [packetType.opendir, "opendir", { path: pathField }],
  [packetType.readdir, "readdir", { handle: handleField }],
  [packetType.remove, "remove", { path: pathField }],
  [packetType.rmdir, "rmdir", { path: pathField }],
  [packetType.realpath, "realpath", { path: pathField }],
  [packetType.rename, "rename", { from: pathField, to: pathField }],
  ["posix-rename@openssh.com", "rename", { from: pathField, to: pathField }],
  ["lsetstat@openssh.com", "setstat", { path: pathField, attributes: attributesField }],
  ["fsync@openssh.com", "fsync", { handle: handleField }],
  ["statvfs@openssh.com", "statvfs", { path: pathField }],
  ["fstatvfs@openssh.com", "fstatvfs", { handle: handleField }],
  ["limits@openssh.com", "limits", {}],
  ["expand-path@openssh.com", "expand-path", { path: pathField }],
  ["home-directory", "home-directory", { username: pathField }],
  [
    "copy-data",
    "copy-data",
    {
      handle: handleField,
      offset: uint64Field,
      length: uint64Field,
      targetHandle: handleField,
      targetOffset: uint64Field,
    },
  ],
];

const extended = packetType.extended;

function encoded(type: number | string, id: number, fields: readonly Field[]): Buffer {
  const writer = new WireWriter().byte(typeof type === "number" ? type : extended).uint32(id);
  if (typeof type === "string") writer.string(type);
  for (const [, write] of fields) write(writer);
  return writer.finish();
}

const noHandles = new HandleTable({ files: 0, directories: 0 }, { files: 0, directories: 0 });

describe("the request parser", () => {
  for (const [type, kind, fields] of shapes) {
    it(`reads ${type} as it was written`, () => {
      fc.assert(
        fc.property(uint32, fc.record(fields), (id, written) => {
          const request = parseRequest(encoded(type, id, Object.values(written))) as unknown as Record<string, unknown>;
          const expected = Object.fromEntries(Object.entries(written).map(([name, [value]]) => [name, value]));
          const { overwrite: _, ...rest } = request;
          assert.deepEqual(rest, { id, kind, ...expected });
        }),
      );
    });

    it(`answers ${type} with its id wherever the message is cut off`, () => {
      fc.assert(
        fc.property(uint32, fc.record(fields), fc.nat(), (id, written, cut) => {
          const whole = encoded(type, id, Object.values(written));
          const request = parseRequest(whole.subarray(0, 5 + (cut % (whole.length - 4))));
          assert.equal(request.id, id);
        }),
      );
    });
  }

  it("keeps the two renames apart", () => {
    const paths: Field[] = ["/a", "/b"].map((path) => [path, (writer) => writer.string(path)]);
    const [plain, posix] = [packetType.rename, "posix-rename@openssh.com"].map((type) =>
      parseRequest(encoded(type, 1, paths)),
    );
    assert.deepEqual(plain, { id: 1, kind: "rename", from: "/a", to: "/b", overwrite: false });
    assert.deepEqual(posix, { id: 1, kind: "rename", from: "/a", to: "/b", overwrite: true });
  });

  it("throws nothing but its own error and finds an order for whatever it read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
        try {
          claimsOf(parseRequest(Buffer.from(message)), noHandles);
        } catch (error) {
          assert.ok(error instanceof WireError, `${error}`);
          assert.ok(message.length < 5);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("throws nothing but its own error for mutations of valid requests", () => {
    const valid = fc
      .constantFrom(...shapes)
      .chain(([type, , fields]) => fc.record(fields).map((written) => encoded(type, 7, Object.values(written))));
    fc.assert(
      fc.property(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), (message, changes) => {
        const changed = Buffer.from(message);
        for (const [place, value] of changes) changed[5 + (place % Math.max(1, changed.length - 5))] = value;
        assert.equal(parseRequest(changed).id, 7);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses numbers that JavaScript would round", () => {
    const handleAndOffset: Field[] = [
      ["", (writer) => writer.string("1")],
      [0, (writer) => writer.raw(Buffer.from("0020000000000000", "hex"))],
      [0, (writer) => writer.uint32(10)],
    ];
    const request = parseRequest(encoded(packetType.read, 1, handleAndOffset));
    assert.ok(request.kind === "invalid" && request.error instanceof WireError);
  });

  it("refuses names that are not UTF-8, as names and not as messages", () => {
    for (const hex of ["ff", "c080", "eda080", "f8888080"]) {
      const path: Field = ["", (writer) => writer.string(Buffer.from(hex, "hex"))];
      const request = parseRequest(encoded(packetType.stat, 1, [path]));
      assert.ok(
        request.kind === "invalid" && request.error instanceof FileError && request.error.code === "invalid-path",
      );
    }
  });

  it("keeps a byte order mark and the Unicode form of a name", () => {
    for (const name of ["\uFEFFa", "e\u0301", "\u00e9"]) {
      const request = parseRequest(encoded(packetType.stat, 1, [[name, (writer) => writer.string(name)]]));
      assert.deepEqual(request, { id: 1, kind: "stat", path: name });
    }
  });

  it("calls what it does not know unsupported", () => {
    for (const type of [0, 2, 21, 99, 101, 199, 255, packetType.readlink, packetType.symlink]) {
      assert.equal(parseRequest(encoded(type, 1, [])).kind, "unsupported");
    }
    for (const name of ["nobody@example.com", "constructor", "__proto__", ""]) {
      assert.equal(parseRequest(encoded(name, 1, [])).kind, "unsupported");
    }
  });

  it("accepts nothing but INIT at the start", () => {
    assert.equal(parseInit(Buffer.from([1, 0, 0, 0, 3])), 3);
    assert.throws(() => parseInit(Buffer.from([2, 0, 0, 0, 3])), WireError);
    assert.throws(() => parseInit(Buffer.from([1, 0, 0])), WireError);
  });
});

describe("attributes", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(attributes, (written) => {
        const writer = new WireWriter(1);
        writeAttributes(writer, written);
        const reader = new WireReader(writer.finish());
        assert.deepEqual(readAttributes(reader), written);
        assert.equal(reader.remaining, 0);
      }),
    );
  });

  it("leave out what extensions a client adds", () => {
    const writer = new WireWriter().uint32(0x80000001).uint64(5).uint32(2);
    for (const word of ["a", "b", "c", "d"]) writer.string(word);
    const reader = new WireReader(writer.finish());
    assert.deepEqual(readAttributes(reader), { size: 5 });
    assert.equal(reader.remaining, 0);
  });

  it("do not loop over a number of extensions that is not there", () => {
    const writer = new WireWriter().uint32(0x80000000).uint32(2 ** 32 - 1);
    assert.throws(() => readAttributes(new WireReader(writer.finish())), WireError);
  });
});
