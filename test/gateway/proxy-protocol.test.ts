import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../core/limits.ts";
import { formatRelayHeader, readProxyHeader } from "../../gateway/proxy-protocol.ts";

const signature = "0d0a0d0a000d0a515549540a";
const read = (...hex: string[]) => readProxyHeader(Buffer.from(hex.join(""), "hex"));
const ipv4 = "cb007109 0a000001 c363 0849".replaceAll(" ", "");

describe("the PROXY protocol, version 2", () => {
  it("tells the addresses of TCP over IPv4", () => {
    assert.deepEqual(read(signature, "2111000c", ipv4, "5553455220"), {
      kind: "proxied",
      length: 28,
      connection: {
        sourceAddress: "203.0.113.9",
        sourcePort: 50_019,
        destinationAddress: "10.0.0.1",
        destinationPort: 2121,
      },
      isRelayed: false,
    });
  });

  it("tells the addresses of TCP over IPv6, in the form of Node's sockets", () => {
    const source = "20010db8000000000000000000000001";
    const mapped = "00000000000000000000ffff0a000001";
    const header = read(signature, "21210024", source, mapped, "c3630849");
    assert.equal(header.kind, "proxied");
    assert.deepEqual(header.kind === "proxied" && header.connection, {
      sourceAddress: "2001:db8::1",
      sourcePort: 50_019,
      destinationAddress: "10.0.0.1",
      destinationPort: 2121,
    });
  });

  it("skips extensions behind the addresses", () => {
    // AWS' type 0xEA names the VPC endpoint.
    const header = read(signature, "21110016", ipv4, "ea000701767063652d31");
    assert.equal(header.kind === "proxied" && header.length, 38);
  });

  it("writes what it reads, and marks it as passed on", () => {
    const addresses = [
      ["203.0.113.9", "10.0.0.1", 28 + 3],
      ["2001:db8::1", "fd00::2:0:1", 52 + 3],
      ["203.0.113.9", "fd00::1", 52 + 3],
      ["::1", "1:2:3:4:5:6:7:8", 52 + 3],
    ] as const;
    for (const [sourceAddress, destinationAddress, length] of addresses) {
      const connection = { sourceAddress, sourcePort: 50_019, destinationAddress, destinationPort: 50_003 };
      const header = Buffer.concat([formatRelayHeader(connection), Buffer.from("USER ")]);
      assert.deepEqual(readProxyHeader(header), { kind: "proxied", length, connection, isRelayed: true });
    }
  });

  it("finds its mark among other extensions, and in whole ones only", () => {
    const isRelayed = (extensions: string) => {
      const length = (12 + extensions.length / 2).toString(16).padStart(4, "0");
      const header = read(signature, `2111${length}`, ipv4, extensions);
      return header.kind === "proxied" && header.isRelayed;
    };
    assert.equal(isRelayed("ea000701767063652d31e50000"), true);
    assert.equal(isRelayed("ea0003e50000"), false);
    assert.equal(isRelayed("ea00ffe50000"), false);
    assert.equal(isRelayed("e5"), false);
  });

  it("takes a health check, and what has no addresses of TCP, for the proxy's own connection", () => {
    assert.deepEqual(read(signature, "20000000"), { kind: "local", length: 16 });
    assert.deepEqual(read(signature, "2011000c", ipv4), { kind: "local", length: 28 });
    assert.deepEqual(read(signature, "21000000"), { kind: "local", length: 16 });
    assert.deepEqual(read(signature, "2112000c", ipv4), { kind: "local", length: 28 });
  });

  it("waits for the rest of what begins well", () => {
    for (const start of ["", "0d", signature, `${signature}2111`, `${signature}2111000c`, `${signature}2111000ccb00`]) {
      assert.deepEqual(read(start), { kind: "incomplete" });
    }
  });

  it("refuses everything else, and says why", () => {
    const tooLong = (limits.proxyHeaderBytes - 15).toString(16).padStart(4, "0");
    const cases = {
      "the signature is missing": ["5553455220", "16030100", "0d0a0d0a010d0a515549540a", "50524f5859205443503420"],
      "the version is 1": [`${signature}1111000c${ipv4}`],
      "the command is 2": [`${signature}2211000c${ipv4}`],
      [`the header has ${limits.proxyHeaderBytes + 1} bytes`]: [`${signature}2111${tooLong}`],
      "the addresses are cut off": [`${signature}2111000b${ipv4}`, `${signature}2121000c${ipv4}`],
    };
    for (const [reason, headers] of Object.entries(cases)) {
      for (const hex of headers) assert.deepEqual(read(hex), { kind: "invalid", reason });
    }
  });
});
