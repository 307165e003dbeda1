import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../../core/limits.ts";
import { type CommandLine, CommandLineReader } from "../../../protocols/ftps/command-lines.ts";

function linesOf(...chunks: (string | Buffer)[]): CommandLine[] {
  const reader = new CommandLineReader();
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  const lines: CommandLine[] = [];
  for (let line = reader.next(); line; line = reader.next()) lines.push(line);
  return lines;
}

const longest = limits.ftpsCommandLineBytes;

describe("the command line reader", () => {
  it("cuts lines at CRLF and at LF alone, and keeps CR inside them", () => {
    assert.deepEqual(linesOf("USER a\r\nPASS b\nX\rY\r\n\r\nrest"), [
      { text: "USER a" },
      { text: "PASS b" },
      { text: "X\rY" },
      { text: "" },
    ]);
  });

  it("puts a line together from single bytes, characters of several bytes among them", () => {
    const bytes = Buffer.from("CWD /ü/文\r\n");
    assert.deepEqual(linesOf(...[...bytes].map((byte) => Buffer.from([byte]))), [{ text: "CWD /ü/文" }]);
  });

  it("reports a line that is not UTF-8 and goes on with the next", () => {
    const bytes = Buffer.concat([Buffer.from("CWD "), Buffer.from([0xc3, 0x28]), Buffer.from("\r\nPWD\r\n")]);
    assert.deepEqual(linesOf(bytes), [{ problem: "not-utf8" }, { text: "PWD" }]);
  });

  it("takes a line of the longest length, and reports a longer one once", () => {
    assert.deepEqual(linesOf(`${"a".repeat(longest - 1)}\r\n`), [{ text: "a".repeat(longest - 1) }]);
    assert.deepEqual(linesOf("a".repeat(longest + 1), "b".repeat(3 * longest), "\r\nPWD\r\n"), [
      { problem: "too-long" },
      { text: "PWD" },
    ]);
  });

  it("leaves out telnet commands, with or without their urgent byte", () => {
    const [iac, ip, dm, will] = [0xff, 0xf4, 0xf2, 0xfb];
    const abor = Buffer.from("ABOR\r\n");
    for (const telnet of [
      [iac, ip, iac, dm],
      [iac, ip, iac],
      [iac, will, 1],
      [iac, iac],
    ]) {
      assert.deepEqual(linesOf(Buffer.concat([Buffer.from(telnet), abor])), [{ text: "ABOR" }], `${telnet}`);
    }
  });

  it("forgets a part of a line and all that follows it when told to", () => {
    const reader = new CommandLineReader();
    reader.push(Buffer.from("USER a\r\nPA"));
    assert.deepEqual(reader.next(), { text: "USER a" });
    reader.push(Buffer.from("SS b\r\nQUIT\r\n"));
    reader.discard();
    assert.equal(reader.heldBytes, 0);
    reader.push(Buffer.from("PWD\r\n"));
    assert.deepEqual(reader.next(), { text: "PWD" });
  });

  it("counts what it holds", () => {
    const reader = new CommandLineReader();
    reader.push(Buffer.from("PWD\r\nCDUP\r\n"));
    assert.equal(reader.heldBytes, 11);
    reader.next();
    assert.equal(reader.heldBytes, 6);
    reader.next();
    assert.equal(reader.heldBytes, 0);
  });
});
