import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { GcmDecipher } from "../../../protocols/sftp/gcm-packets.ts";
import { PacketMemory } from "../../../protocols/sftp/packet-memory.ts";

const secret = randomBytes(16);
const nonceOf = (sequence: number) => Buffer.concat([Buffer.alloc(8), Buffer.from([0, 0, 0, sequence])]);

/** One packet of RFC 5647 §7: length, then padding length, payload and padding encrypted, then the tag. */
function sealed(payload: Buffer, sequence: number): Buffer {
  const short = 16 - ((1 + payload.length) % 16);
  const paddingBytes = short < 4 ? short + 16 : short;
  const content = Buffer.concat([Buffer.from([paddingBytes]), payload, Buffer.alloc(paddingBytes)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const cipher = createCipheriv("aes-128-gcm", secret, nonceOf(sequence)).setAAD(length);
  return Buffer.concat([length, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** A decipher as ssh2 hands it over, with Node's AES-GCM in place of the addon's. */
function decipherInto(received: Buffer[], onPayload: () => number | false | undefined = () => undefined): GcmDecipher {
  let sequence = 0;
  const decrypt = (packet: Buffer, length: number, tag: Buffer) => {
    const aad = Buffer.alloc(4);
    aad.writeUInt32BE(length);
    const decipher = createDecipheriv("aes-128-gcm", secret, nonceOf(sequence)).setAAD(aad).setAuthTag(tag);
    sequence += 1;
    packet.set(Buffer.concat([decipher.update(packet), decipher.final()]));
  };
  const take = (payload: Buffer) => {
    received.push(Buffer.from(payload));
    return onPayload();
  };
  const replaced = { inSeqno: 7, _onPayload: take, _instance: { decrypt } };
  return new GcmDecipher(replaced, new PacketMemory(2 ** 20));
}

describe("GcmDecipher", () => {
  it("hands on the same payloads however the bytes are cut", () => {
    const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 });
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(payloads, cuts, (contents, sizes) => {
        const sent = contents.map((content) => Buffer.from(content));
        const stream = Buffer.concat(sent.map(sealed));
        const received: Buffer[] = [];
        const decipher = decipherInto(received);
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const chunk = Buffer.from(stream.subarray(at, at + (sizes[turn % sizes.length] ?? 1)));
          assert.equal(decipher.decrypt(chunk, 0, chunk.length), undefined);
          at += chunk.length;
          chunk.fill(0xff); // The memory of a read is used for the next one.
        }
        assert.deepEqual(received, sent);
        assert.equal(decipher.inSeqno, 7 + sent.length);
      }),
    );
  });

  it("stops behind the packet after which other keys are in use", () => {
    const received: Buffer[] = [];
    const first = sealed(Buffer.from("new keys"), 0);
    const stream = Buffer.concat([first, randomBytes(40)]);
    assert.equal(decipherInto(received, () => false).decrypt(stream, 0, stream.length), first.length);
    assert.equal(received.length, 1);
  });

  it("refuses a length that cannot be", () => {
    for (const length of [0, 15, 17, 35_008, 2 ** 31]) {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      assert.throws(() => decipherInto([]).decrypt(header, 0, 4), /Bad packet length/);
    }
  });

  it("hands on nothing of a packet that was changed on the way", () => {
    const received: Buffer[] = [];
    const packet = sealed(Buffer.from("pay 10"), 0);
    packet[8] = (packet[8] ?? 0) ^ 1;
    assert.throws(() => decipherInto(received).decrypt(packet, 0, packet.length));
    assert.equal(received.length, 0);
  });
});
