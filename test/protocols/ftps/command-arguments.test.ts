import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as parse from "../../../protocols/ftps/command-arguments.ts";
import { Refusal } from "../../../protocols/ftps/replies.ts";

function codeOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 0;
}

describe("a command", () => {
  it("is a verb in any case, and everything behind one space", () => {
    assert.deepEqual(parse.parseCommand("stor a b "), { verb: "STOR", argument: "a b " });
    assert.deepEqual(parse.parseCommand("RETR  a"), { verb: "RETR", argument: " a" });
    assert.deepEqual(parse.parseCommand("PWD"), { verb: "PWD", argument: undefined });
    assert.deepEqual(parse.parseCommand("PWD "), { verb: "PWD", argument: undefined });
  });

  it("is refused with 500 when there is no verb", () => {
    for (const line of ["", " ", "é", "12345", "ab", "GET/ HTTP/1.1", "abcdefghi"]) {
      assert.equal(
        codeOf(() => parse.parseCommand(line)),
        500,
        line,
      );
    }
  });
});

describe("an argument", () => {
  const cases: readonly [string, parse.ArgumentParser<unknown>, string | undefined, unknown][] = [
    ["none", parse.noArgument, undefined, undefined],
    ["bytes", parse.byteCount, "9007199254740991", 9007199254740991],
    ["an allocation", parse.allocation, "10 R 80", 10],
    ["type A", parse.transferType, "a n", "ascii"],
    ["type I", parse.transferType, "I", "image"],
    ["type L 8", parse.transferType, "L 8", "image"],
    ["EPSV alone", parse.extendedPassive, undefined, undefined],
    ["EPSV ALL", parse.extendedPassive, "all", "all"],
    ["EPSV 2", parse.extendedPassive, "2", 2],
    ["options", parse.options, "mlst type;size;", { command: "MLST", value: "type;size;" }],
    ["list options", parse.listArgument, "-la", undefined],
    ["list options and a path", parse.listArgument, "-a -l sub dir", "sub dir"],
    ["a path with a hyphen", parse.listArgument, "a-b", "a-b"],
    [
      "a time and a path",
      parse.timeAndPath,
      "20261122141300.5 a b",
      { timeMs: Date.UTC(2026, 10, 22, 14, 13, 0, 500), path: "a b" },
    ],
  ];
  for (const [title, parser, argument, expected] of cases) {
    it(`is read: ${title}`, () => assert.deepEqual(parser(argument), expected));
  }

  const refusals: readonly [parse.ArgumentParser<unknown>, string | undefined, number][] = [
    [parse.noArgument, "x", 501],
    [parse.requiredText, undefined, 501],
    [parse.byteCount, "-1", 501],
    [parse.byteCount, "1.5", 501],
    [parse.byteCount, "9007199254740993", 501],
    [parse.byteCount, "99999999999999999999", 501],
    [parse.transferType, "E", 504],
    [parse.transferType, "L 7", 504],
    [parse.transferType, "Q", 501],
    [parse.extendedPassive, "IPv4", 501],
    [parse.timeAndPath, "20260230000000 a", 501],
    [parse.timeAndPath, "20261122141300", 501],
    [parse.letter(["S"], "SBC"), "B", 504],
    [parse.letter(["S"], "SBC"), "X", 501],
    [parse.letter(["C", "P"], "CSEP", 536), "S", 536],
  ];
  for (const [parser, argument, code] of refusals) {
    it(`is refused with ${code}: ${argument}`, () =>
      assert.equal(
        codeOf(() => parser(argument)),
        code,
      ));
  }
});
