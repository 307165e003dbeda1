import { randomFillSync } from "node:crypto";
import type { Socket } from "node:net";
import type { PacketMemory } from "./packet-memory.ts";
import type { NativeGcmCipher, NativeGcmDecipher } from "./ssh2-internals.ts";

const lengthBytes = 4;
const tagBytes = 16;
/** RFC 5647 §7.2: the length is not encrypted, the rest is whole blocks. */
const blockBytes = 16;
const smallestPaddingBytes = 4;
/** ssh2's own limit (lib/protocol/crypto.js). */
const largestPacketBytes = 35_000;

/** Random bytes for padding, fetched for many packets at once. */
const padding = Buffer.alloc(16 * 1024);
let paddingUsed = padding.length;

/**
 * Has ssh2 build and write its AES-GCM packets in memory that is used again, several of them with one system call.
 * ssh2 takes new memory for each, which costs more than the cipher: see docs/performance.md.
 */
export function writePacketsFromMemory(cipher: NativeGcmCipher, socket: Socket, memory: PacketMemory): void {
  cipher.allocPacket = (payloadBytes) => {
    const unpadded = 1 + payloadBytes;
    const short = blockBytes - (unpadded % blockBytes);
    const paddingBytes = short < smallestPaddingBytes ? short + blockBytes : short;
    const packet = memory.take(lengthBytes + unpadded + paddingBytes + tagBytes);
    packet.writeUInt32BE(unpadded + paddingBytes);
    packet[lengthBytes] = paddingBytes;
    pad(packet, lengthBytes + unpadded, paddingBytes);
    return packet;
  };
  cipher._onWrite = (packet) => {
    if (!socket.writable) return;
    corkForThisTurn(socket);
    socket.write(packet, () => memory.release(packet));
  };
}

/** What is written until the current turn of the event loop ends leaves together. `end` uncorks, too. */
function corkForThisTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  process.nextTick(() => socket.uncork());
}

function pad(packet: Buffer, start: number, length: number): void {
  if (paddingUsed + length > padding.length) {
    randomFillSync(padding);
    paddingUsed = 0;
  }
  padding.copy(packet, start, paddingUsed, paddingUsed + length);
  paddingUsed += length;
}

/**
 * Stands in for the AES-GCM decipher of ssh2: the same packets and checks, each in memory that whoever takes
 * its content may release.
 */
export class GcmDecipher {
  /** ssh2 sets and reads both. */
  inSeqno: number;
  _onPayload: NativeGcmDecipher["_onPayload"];
  readonly #native: NativeGcmDecipher["_instance"];
  readonly #memory: PacketMemory;
  readonly #header = Buffer.alloc(lengthBytes);
  #headerBytes = 0;
  /** The encrypted part and its tag. */
  #packet: Buffer | undefined;
  #packetBytes = 0;

  constructor(replaced: NativeGcmDecipher, memory: PacketMemory) {
    this.inSeqno = replaced.inSeqno;
    this._onPayload = replaced._onPayload;
    this.#native = replaced._instance;
    this.#memory = memory;
  }

  free(): void {}

  /** Takes in `data` from `start` on. Answers where ssh2 is to go on when it has to stop there. */
  decrypt(data: Buffer, start: number, end: number): number | undefined {
    for (let at = start; at < end; ) {
      at += this.#packet ? this.#fillPacket(this.#packet, data, at) : this.#fillHeader(data, at);
      if (!this.#packet || this.#packetBytes < this.#packet.length) continue;
      const next = this.#handOn(this.#packet);
      if (next !== undefined) return next === false ? at : next;
    }
    return undefined;
  }

  #fillHeader(data: Buffer, at: number): number {
    const used = data.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += used;
    if (this.#headerBytes < lengthBytes) return used;
    const length = this.#header.readUInt32BE();
    const isPossible = length >= blockBytes && length % blockBytes === 0;
    if (!isPossible || length + lengthBytes + tagBytes > largestPacketBytes) {
      throw new Error(`Bad packet length: ${length}`);
    }
    this.#packet = this.#memory.take(length + tagBytes);
    return used;
  }

  #fillPacket(packet: Buffer, data: Buffer, at: number): number {
    const used = data.copy(packet, this.#packetBytes, at);
    this.#packetBytes += used;
    return used;
  }

  #handOn(packet: Buffer): number | false | undefined {
    const length = packet.length - tagBytes;
    this.#native.decrypt(packet.subarray(0, length), length, packet.subarray(length));
    const paddingBytes = packet.readUInt8();
    if (paddingBytes >= length) throw new Error("Bad padding length");
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    this.#headerBytes = 0;
    this.#packet = undefined;
    this.#packetBytes = 0;
    return this._onPayload(packet.subarray(1, length - paddingBytes));
  }
}
