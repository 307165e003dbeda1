import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { limits } from "../../core/limits.ts";
import { readProxyHeader } from "../../gateway/proxy-protocol.ts";

const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

/** Headers that are right in some of their parts: the rarer a mistake, the further the parser gets. */
const header = fc
  .record({
    signature: fc.oneof({ weight: 9, arbitrary: fc.constant(signature) }, fc.uint8Array({ maxLength: 14 })),
    version: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0x20, 0x21) }, fc.nat(255)),
    family: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0x11, 0x21, 0x00, 0x12, 0x31) }, fc.nat(255)),
    declared: fc.option(fc.nat(0xffff), { nil: undefined, freq: 4 }),
    body: fc.uint8Array({ maxLength: 100 }),
    behind: fc.uint8Array({ maxLength: 50 }),
  })
  .map(({ signature: start, version, family, declared, body, behind }) => {
    const fixed = Buffer.alloc(4);
    fixed.writeUInt8(version, 0);
    fixed.writeUInt8(family, 1);
    fixed.writeUInt16BE(declared ?? body.length, 2);
    return Buffer.concat([start, fixed, body, behind]);
  });
const bytes = fc.oneof(
  header,
  fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each)),
);

describe("the PROXY protocol parser", () => {
  it("answers whatever it is given, and never takes more than there is or than it may", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const found = readProxyHeader(given);
        if (found.kind === "invalid") assert.ok(found.reason.length > 0);
        if (found.kind !== "local" && found.kind !== "proxied") return;
        assert.ok(found.length >= 16 && found.length <= Math.min(given.length, limits.proxyHeaderBytes));
        if (found.kind === "local") return;
        const { sourceAddress, destinationAddress } = found.connection;
        assert.ok(isIP(sourceAddress) > 0 && isIP(destinationAddress) > 0, `${sourceAddress} ${destinationAddress}`);
      }),
      { numRuns: 3000 },
    );
  });

  it("comes to the same result wherever the bytes are cut: it waits, and never changes its mind", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const whole = readProxyHeader(given);
        for (let length = 0; length <= given.length; length += 1) {
          const early = readProxyHeader(given.subarray(0, length));
          if (early.kind !== "incomplete") assert.deepEqual(early, whole);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("finds the addresses that a proxy wrote, whatever extensions and data follow", () => {
    const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const bytes = fc.uint8Array({ maxLength: 200 });
    const sent = fc.record({
      source: octets,
      destination: octets,
      from: fc.nat(0xffff),
      to: fc.nat(0xffff),
      extensions: bytes,
      behind: bytes,
    });
    fc.assert(
      fc.property(sent, ({ source, destination, from, to, extensions, behind }) => {
        const body = Buffer.alloc(12 + extensions.length);
        body.set(source, 0);
        body.set(destination, 4);
        body.writeUInt16BE(from, 8);
        body.writeUInt16BE(to, 10);
        body.set(extensions, 12);
        const fixed = Buffer.from([0x21, 0x11, body.length >> 8, body.length & 0xff]);
        const connection = {
          sourceAddress: source.join("."),
          sourcePort: from,
          destinationAddress: destination.join("."),
          destinationPort: to,
        };
        assert.deepEqual(readProxyHeader(Buffer.concat([signature, fixed, body, behind])), {
          kind: "proxied",
          length: 16 + body.length,
          connection,
          isRelayed: false,
        });
      }),
    );
  });
});
