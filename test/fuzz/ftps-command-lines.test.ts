import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { limits } from "../../core/limits.ts";
import * as parsers from "../../protocols/ftps/command-arguments.ts";
import { type CommandLine, CommandLineReader } from "../../protocols/ftps/command-lines.ts";
import { Refusal } from "../../protocols/ftps/replies.ts";
import { pieces } from "../support/pieces.ts";

const { ftpsCommandLineBytes } = limits;

function drained(reader: CommandLineReader): CommandLine[] {
  const lines: CommandLine[] = [];
  for (let line = reader.next(); line; line = reader.next()) lines.push(line);
  return lines;
}

function read(chunks: readonly Buffer[]): CommandLine[] {
  const reader = new CommandLineReader();
  return chunks.flatMap((chunk) => {
    reader.push(chunk);
    const lines = drained(reader);
    assert.equal(reader.heldBytes, 0);
    return lines;
  });
}

/** Lines, ends of lines, telnet commands, half characters and lines that are too long, in any order. */
const parts = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => Buffer.from(text)),
    fc.constantFrom("\r\n", "\n", "\r", "ABOR\r\n", "STOR ü文🗂\r\n").map((text) => Buffer.from(text)),
    fc.constantFrom([0xff], [0xff, 0xf4, 0xff, 0xf2], [0xff, 0xfb], [0xff, 0xff], [0xf0, 0x9f]).map(Buffer.from),
    fc.nat(2).map((more) => Buffer.alloc(ftpsCommandLineBytes - 1 + more, "x")),
  ),
  { maxLength: 30 },
);
const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(10_000)), { maxLength: 60 });

describe("the command line reader", () => {
  it("finds the same lines however the network cuts the bytes", () => {
    fc.assert(
      fc.property(parts, sizes, (sent, cuts) => {
        const bytes = Buffer.concat(sent);
        assert.deepEqual(read(pieces(bytes, cuts)), read([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  it("finds the same lines when they are asked for late", () => {
    fc.assert(
      fc.property(parts, sizes, (sent, cuts) => {
        const bytes = Buffer.concat(sent);
        const reader = new CommandLineReader();
        for (const piece of pieces(bytes, cuts)) reader.push(piece);
        assert.equal(reader.heldBytes, bytes.length);
        assert.deepEqual(drained(reader), read([bytes]));
      }),
      { numRuns: 100 },
    );
  });

  it("makes one line of each line feed or of what is too long for one, and none is over the limit", () => {
    fc.assert(
      fc.property(parts, (sent) => {
        const bytes = Buffer.concat(sent);
        const lines = read([bytes]);
        const lineFeeds = bytes.filter((byte) => byte === 0x0a).length;
        assert.ok(lines.length <= lineFeeds + 1);
        for (const line of lines) {
          if ("text" in line) assert.ok(Buffer.byteLength(line.text) <= ftpsCommandLineBytes);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("reads again what it was given as a line", () => {
    const line = fc.string({ unit: "binary", maxLength: 200 }).filter((text) => !/\n|\r$/.test(text));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (texts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\r\n`).join(""));
        assert.deepEqual(
          read([bytes]),
          texts.map((text) => ({ text })),
        );
      }),
    );
  });

  it("has nothing left after a discard", () => {
    fc.assert(
      fc.property(parts, (sent) => {
        const reader = new CommandLineReader();
        reader.push(Buffer.concat(sent));
        reader.next();
        reader.discard();
        reader.push(Buffer.from("NOOP\r\n"));
        assert.deepEqual(drained(reader), [{ text: "NOOP" }]);
      }),
    );
  });
});

describe("the parsers of commands and arguments", () => {
  const argument = fc.option(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.stringMatching(/^[-0-9A-Za-z |:.,;]{0,40}$/),
      fc.constantFrom("ALL", "A N", "L 8", "20261122101500.5 /x", "99999999999999999999", "-la -R  x", "1 R 2"),
    ),
    { nil: undefined },
  );
  const { parseCommand, letter, ...others } = parsers;
  const argumentParsers = [...Object.values(others), letter(["C", "P"], "CSEP", 536)];

  function refusesOrAnswers(parse: () => unknown): void {
    try {
      parse();
    } catch (error) {
      assert.ok(error instanceof Refusal, `${error}`);
      assert.ok(error.code >= 500 && error.code < 600);
    }
  }

  it("answer or refuse with a reply, whatever the line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (line) => refusesOrAnswers(() => parseCommand(line))),
      { numRuns: 1000 },
    );
  });

  it("answer or refuse with a reply, whatever the argument", () => {
    fc.assert(
      fc.property(argument, fc.constantFrom(...argumentParsers), (text, parse) => refusesOrAnswers(() => parse(text))),
      { numRuns: 3000 },
    );
  });
});
