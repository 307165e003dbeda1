import { Refusal } from "./replies.ts";
import { parseTimeValue } from "./time-value.ts";

/** A command line taken apart: the verb in capitals, and everything behind the first space as it was written. */
export interface Command {
  readonly verb: string;
  readonly argument: string | undefined;
}

/** @throws Refusal 500 for a line that does not start with a verb. */
export function parseCommand(line: string): Command {
  const [, verb, argument = ""] = /^([A-Za-z]{3,8})(?: (.*))?$/s.exec(line) ?? [];
  if (verb === undefined) throw new Refusal(500, "Not a command.");
  return { verb: verb.toUpperCase(), argument: argument === "" ? undefined : argument };
}

/** Reads the argument of a command. @throws Refusal 501 for what it cannot be, 504 for what is not supported. */
export type ArgumentParser<T> = (argument: string | undefined) => T;

export const noArgument: ArgumentParser<undefined> = (argument) => {
  if (argument !== undefined) throw new Refusal(501, "This command has no argument.");
  return undefined;
};

export const requiredText: ArgumentParser<string> = (argument) => {
  if (argument === undefined) throw new Refusal(501, "This command needs an argument.");
  return argument;
};

export const optionalText: ArgumentParser<string | undefined> = (argument) => argument;

/** The folder or file of LIST and NLST, behind options such as `-la`, which clients send as if `ls` read them. */
export const listArgument: ArgumentParser<string | undefined> = (argument) => {
  const path = argument?.replace(/^(-\S*(\s+|$))+/, "");
  return path === "" ? undefined : path;
};

/** A number of bytes. */
export const byteCount: ArgumentParser<number> = (argument) => {
  const count = /^\d{1,16}$/.test(argument ?? "") ? Number(argument) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new Refusal(501, "Expected a number of bytes.");
  return count;
};

/** `n`, or `n R m` with the size of the largest record (RFC 959 §4.1.3). */
export const allocation: ArgumentParser<number> = (argument) => byteCount(argument?.replace(/ R \d+$/i, ""));

export type TransferType = "ascii" | "image";

/** `A`, `A N`, `I`, `L 8` (RFC 959 §5.3.1). */
export const transferType: ArgumentParser<TransferType> = (argument) => {
  const words = requiredText(argument).toUpperCase();
  if (/^A( N)?$/.test(words)) return "ascii";
  if (/^(I|L 8)$/.test(words)) return "image";
  throw /^([AE]( [NTC])?|L \d+)$/.test(words)
    ? new Refusal(504, "Only the types A N, I and L 8 are supported.")
    : new Refusal(501, "Expected a type: A, I or L 8.");
};

/** One letter out of `known`, of which `supported` are taken; the others are refused with `code`. */
export function letter<T extends string>(supported: readonly T[], known: string, code = 504): ArgumentParser<T> {
  return (argument) => {
    const given = requiredText(argument).toUpperCase();
    const found = supported.find((value) => value === given);
    if (found !== undefined) return found;
    if (given.length === 1 && known.includes(given))
      throw new Refusal(code, `Only ${supported.join(" and ")} is supported.`);
    throw new Refusal(501, `Expected one of ${[...known].join(", ")}.`);
  };
}

/** `YYYYMMDDHHMMSS path` (draft-somers-ftp-mfxx §3). */
export const timeAndPath: ArgumentParser<{ timeMs: number; path: string }> = (argument) => {
  const [, time = "", path] = /^(\S+) (.+)$/s.exec(requiredText(argument)) ?? [];
  const timeMs = parseTimeValue(time);
  if (timeMs === undefined || path === undefined) throw new Refusal(501, "Expected YYYYMMDDHHMMSS and a path.");
  return { timeMs, path };
};

/** Nothing, `ALL`, or the number of a network protocol (RFC 2428 §3). */
export const extendedPassive: ArgumentParser<undefined | "all" | number> = (argument) => {
  if (argument === undefined) return undefined;
  if (argument.toUpperCase() === "ALL") return "all";
  if (!/^\d{1,3}$/.test(argument)) throw new Refusal(501, "Expected nothing, a protocol number or ALL.");
  return Number(argument);
};

/** The command that options are for, and the options (RFC 2389 §4). */
export const options: ArgumentParser<{ command: string; value: string }> = (argument) => {
  const [, command = "", value = ""] = /^(\S+)(?: (.*))?$/s.exec(requiredText(argument)) ?? [];
  return { command: command.toUpperCase(), value };
};
