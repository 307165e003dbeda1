import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FileError } from "../../../core/errors.ts";
import { createChecksum } from "../../../protocols/ftps/hash-algorithms.ts";
import { formatFacts, formatListLine } from "../../../protocols/ftps/listing-format.ts";
import { isPattern, matchesPattern } from "../../../protocols/ftps/name-pattern.ts";
import { formatHostPort, networkProtocolOf, plainAddress } from "../../../protocols/ftps/network-address.ts";
import { formatReply, Refusal, replyToError } from "../../../protocols/ftps/replies.ts";
import { formatTimeValue, parseTimeValue } from "../../../protocols/ftps/time-value.ts";

describe("a reply", () => {
  it("has one line, or several of which only the last starts with the code and a space", () => {
    assert.equal(formatReply({ code: 200, text: "Good." }), "200 Good.\r\n");
    assert.equal(
      formatReply({ code: 211, text: ["First", "211 inner", "Last"] }),
      "211-First\r\n 211 inner\r\n211 Last\r\n",
    );
  });

  it("cannot be made two by what it quotes", () => {
    assert.equal(formatReply({ code: 550, text: "a\r\n230 b\u0085c" }), "550 a  230 b c\r\n");
  });

  it("to a refused permission is 553, to a missing file and refused content 550, to a full store 552", () => {
    assert.deepEqual(replyToError(new FileError("permission-denied", "denied")), { code: 553, text: "Denied." });
    assert.equal(replyToError(new FileError("not-found", "x"))?.code, 550);
    assert.equal(replyToError(new FileError("quota-exceeded", "x"))?.code, 552);
    assert.equal(replyToError(new FileError("integrity", "x"))?.code, 550);
    assert.equal(replyToError(new Refusal(421, "x"))?.code, 421);
    assert.equal(replyToError(new Error("a secret")), undefined);
  });
});

describe("a time value", () => {
  it("is read as it is written, in UTC", () => {
    const timeMs = Date.UTC(2024, 1, 29, 23, 59, 58);
    assert.equal(formatTimeValue(timeMs), "20240229235958");
    assert.equal(parseTimeValue("20240229235958"), timeMs);
    assert.equal(parseTimeValue("20240229235958.25"), timeMs + 250);
  });

  it("names a moment that exists", () => {
    for (const text of ["20230229000000", "20241301000000", "20240101240000", "20240101006000", "2024", "", "x"]) {
      assert.equal(parseTimeValue(text), undefined, text);
    }
  });
});

describe("a listing", () => {
  const modifiedAtMs = Date.UTC(2026, 10, 5, 7, 8, 9);
  const file = { name: "a b.txt", type: "file", size: 1234, modifiedAtMs } as const;

  it("has the form of ls -l, with the time of recent files and the year of others", () => {
    const day = 86_400_000;
    assert.equal(
      formatListLine(file, "acme", modifiedAtMs + 10 * day),
      "-rw-r----- 1 acme acme         1234 Nov  5 07:08 a b.txt",
    );
    assert.match(formatListLine(file, "a c", modifiedAtMs + 200 * day), / a_c a_c +1234 Nov {2}5 {2}2026 a b\.txt$/);
    assert.match(formatListLine(file, "acme", modifiedAtMs - day), /Nov {2}5 {2}2026 a b\.txt$/);
    assert.match(formatListLine({ ...file, type: "directory", size: 0 }, "acme", modifiedAtMs), /^drwxr-x--- /);
  });

  it("has the facts that were asked for, and no size of a folder", () => {
    assert.equal(
      formatFacts(file, file.name, ["type", "size", "modify"]),
      "type=file;size=1234;modify=20261105070809; a b.txt",
    );
    assert.equal(formatFacts({ ...file, type: "directory" }, "/d", ["type", "size"]), "type=dir; /d");
    assert.equal(formatFacts(file, file.name, []), " a b.txt");
  });
});

describe("a pattern", () => {
  it("matches any characters with * and one with ?", () => {
    const matches = ["*", "a*", "*.txt", "a?c.txt", "a*c*t", "abc.txt", "**"];
    for (const pattern of matches) assert.ok(matchesPattern("abc.txt", pattern), pattern);
    for (const pattern of ["b*", "*.TXT", "a?.txt", "abc.tx", "abc.txtt", "?"]) {
      assert.ok(!matchesPattern("abc.txt", pattern), pattern);
    }
    assert.ok(matchesPattern("é🗂", "??"));
    assert.deepEqual(["a*", "a?", "a[b]"].map(isPattern), [true, true, false]);
  });

  it("takes no longer for a hostile pattern", () => {
    assert.ok(!matchesPattern("a".repeat(255), `${"*a".repeat(127)}b`));
  });
});

describe("addresses", () => {
  it("are those of IPv4 where IPv6 only carries them", () => {
    assert.equal(plainAddress("::ffff:192.0.2.1"), "192.0.2.1");
    assert.equal(plainAddress("2001:db8::1"), "2001:db8::1");
    assert.equal(plainAddress(undefined), "");
    assert.deepEqual(["192.0.2.1", "2001:db8::1"].map(networkProtocolOf), [1, 2]);
    assert.equal(formatHostPort("192.0.2.1", 50_001), "192,0,2,1,195,81");
  });
});

describe("checksums", () => {
  it("are those of their standards", () => {
    const digest = (algorithm: "SHA-256" | "CRC32") => {
      const checksum = createChecksum(algorithm);
      for (const part of ["1234", "56789"]) checksum.update(Buffer.from(part));
      return checksum.hex();
    };
    assert.equal(digest("CRC32"), "cbf43926");
    assert.equal(digest("SHA-256"), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
  });

  it("keep the zeros in front", () => {
    const checksum = createChecksum("CRC32");
    assert.equal(checksum.hex(), "00000000");
  });
});
