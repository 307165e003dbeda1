import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clientNetworkOf, parseAddressBlock, SourceAddressError } from "../../core/source-address.ts";

test("a block contains the addresses that share its prefix", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["203.0.113.0/24", "203.0.113.0", true],
    ["203.0.113.0/24", "203.0.113.255", true],
    ["203.0.113.0/24", "203.0.114.0", false],
    ["203.0.113.9/24", "203.0.113.200", true],
    ["203.0.113.9", "203.0.113.9", true],
    ["203.0.113.9", "203.0.113.10", false],
    ["203.0.113.8/31", "203.0.113.9", true],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "203.0.113.9", false],
    ["::/0", "::ffff:203.0.113.9", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:DB8::1", "2001:0db8:0:0:0:0:0:1", true],
    ["2001:db8::1", "2001:db8::2", false],
    ["203.0.113.0/24", "::ffff:203.0.113.9", true],
    ["203.0.113.0/24", "::ffff:cb00:7109", true],
    ["::ffff:203.0.113.0/120", "203.0.113.9", true],
    ["::ffff:203.0.113.0/120", "::ffff:203.0.113.9", true],
    ["::ffff:203.0.113.0/120", "203.0.114.9", false],
    ["::ffff:203.0.113.9", "203.0.113.9", true],
    ["::ffff:0:0/96", "198.51.100.1", true],
    ["fe80::/10", "fe80::1%eth0", true],
    ["fe80::/10", "fe80::1%en0.1", true],
  ];
  for (const [block, address, expected] of rows) {
    assert.equal(parseAddressBlock(block).contains(address), expected, `${address} in ${block}`);
  }
});

test("what is not an address is in no block", () => {
  const texts = [
    "",
    "localhost",
    "203.0.113",
    "203.0.113.256",
    "0xcb007109",
    "3405803785",
    "0313.0.113.9",
    "::1.2.3.4",
  ];
  for (const text of [...texts, "203.0.113.9 ", "::ffff:0313.0.113.9", "[::1]", ":", "1::2::3"]) {
    for (const block of ["0.0.0.0/0", "::/0"]) assert.equal(parseAddressBlock(block).contains(text), false, text);
  }
});

test("text that is no block is refused with the reason", () => {
  const noAddress = [
    "",
    "example.com",
    "203.0.113",
    "203.0.113.0.0/24",
    "10.1/16",
    "010.0.0.1",
    "0x7f.0.0.1",
    "1",
    "/24",
  ];
  for (const text of [
    ...noAddress,
    "::1.2.3.4/128",
    "fe80::1%eth0/64",
    "*",
    " 203.0.113.9",
    "::ffff:010.0.0.1",
    "2001:db8::g",
  ]) {
    assert.throws(() => parseAddressBlock(text), {
      name: "SourceAddressError",
      message: `${JSON.stringify(text)} is not an IP address or a CIDR block`,
    });
  }
  for (const [text, range] of [
    ["203.0.113.0/33", "0 to 32"],
    ["203.0.113.0/", "0 to 32"],
    ["203.0.113.0/-1", "0 to 32"],
    ["203.0.113.0/024", "0 to 32"],
    ["203.0.113.0/8/8", "0 to 32"],
    ["203.0.113.0/255.255.255.0", "0 to 32"],
    ["2001:db8::/129", "0 to 128"],
    ["::ffff:203.0.113.0/24", "96 to 128"],
  ] as const) {
    const message = `the prefix length of ${JSON.stringify(text)} must be a number from ${range}`;
    assert.throws(() => parseAddressBlock(text), { name: "SourceAddressError", message });
  }
});

test("IPv4 blocks agree with arithmetic on 32 bits", () => {
  const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const dotted = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 31 }), (network, length, bit) => {
      const block = parseAddressBlock(`${dotted(network)}/${length}`);
      const flipped = (network ^ (1 << bit)) >>> 0;
      assert.equal(block.contains(dotted(network)), true);
      assert.equal(
        block.contains(dotted(flipped)),
        bit < 32 - length,
        `${dotted(flipped)} in ${dotted(network)}/${length}`,
      );
      assert.equal(block.contains(`::ffff:${dotted(flipped)}`), bit < 32 - length);
    }),
    { numRuns: 500 },
  );
});

test("every address is in its own block and in shorter ones around it", () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((text) => !/^::\d+\.|ffff/i.test(text)),
  );
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 32 }), (text, length) => {
      assert.equal(parseAddressBlock(text).contains(text), true);
      assert.equal(parseAddressBlock(`${text}/${length}`).contains(text), true);
    }),
    { numRuns: 500 },
  );
});

test("whatever the text, it is a block or a SourceAddressError", () => {
  const fragment = fc.constantFrom("1", "0", "255", "a", "ffff", ".", ":", "::", "/", "%", "32", "x", " ", "é");
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 14 }), (parts) => {
      try {
        parseAddressBlock(parts.join(""));
      } catch (error) {
        assert.ok(error instanceof SourceAddressError, `${error}`);
      }
    }),
    { numRuns: 2000 },
  );
});

test("the network of a client is an IPv4 address, or 64 bits of an IPv6 address", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
    ["nowhere", "nowhere"],
  ];
  for (const [address, network] of rows) assert.equal(clientNetworkOf(address), network, address);
});
