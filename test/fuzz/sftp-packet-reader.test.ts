import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PacketMemory } from "../../protocols/sftp/packet-memory.ts";
import { PacketReader } from "../../protocols/sftp/packet-reader.ts";
import { WireError } from "../../protocols/sftp/wire.ts";
import { pieces } from "../support/pieces.ts";

const maxBytes = 1000;

function framed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(message.length);
  return Buffer.concat([header, message]);
}

function drained(reader: PacketReader): Buffer[] {
  const messages: Buffer[] = [];
  for (let message = reader.next(); message; message = reader.next()) messages.push(message);
  return messages;
}

describe("the packet reader", () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: maxBytes }), { maxLength: 20 });
  const sizes = fc.array(fc.nat(300), { maxLength: 60 });

  it("finds the same messages however the network cuts the bytes", () => {
    fc.assert(
      fc.property(messages, sizes, fc.boolean(), (sent, cuts, drainsAtOnce) => {
        const reader = new PacketReader(maxBytes, new PacketMemory(0));
        const received: Buffer[] = [];
        for (const piece of pieces(Buffer.concat(sent.map(framed)), cuts)) {
          reader.push(piece);
          if (drainsAtOnce) received.push(...drained(reader));
        }
        received.push(...drained(reader));
        assert.deepEqual(
          received.map((message) => message.toString("hex")),
          sent.map((message) => Buffer.from(message).toString("hex")),
        );
        assert.equal(reader.heldBytes, 0);
      }),
    );
  });

  it("gives every message memory of its own", () => {
    const reader = new PacketReader(maxBytes, new PacketMemory(0));
    const bytes = framed(Buffer.from("message"));
    reader.push(bytes);
    const message = reader.next();
    bytes.fill(0);
    assert.equal(message?.toString(), "message");
  });

  it("throws nothing but its own error, whatever arrives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), sizes, (bytes, cuts) => {
        const reader = new PacketReader(maxBytes, new PacketMemory(0));
        try {
          for (const piece of pieces(Buffer.from(bytes), cuts)) {
            reader.push(piece);
            for (const message of drained(reader)) assert.ok(message.length > 0 && message.length <= maxBytes);
          }
        } catch (error) {
          assert.ok(error instanceof WireError, `${error}`);
        }
      }),
    );
  });

  it("refuses a message of no bytes, or over its limit, before it takes memory for it", () => {
    for (const length of [0, maxBytes + 1, 2 ** 32 - 1]) {
      const reader = new PacketReader(maxBytes, new PacketMemory(0));
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      reader.push(header);
      assert.throws(() => reader.next(), WireError);
    }
  });
});
