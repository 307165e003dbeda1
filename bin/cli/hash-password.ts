import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { limits } from "../../core/limits.ts";
import { parseArguments } from "./arguments.ts";

const interrupted = 130;
const [endOfText, endOfTransmission, backspace, erase] = ["\u0003", "\u0004", "\b", "\u007f"];

/**
 * `ferrygate hash-password`: reads a password from standard input, without the line break at its end, and prints its
 * hash and nothing else. At a terminal it asks, and what is typed does not show.
 * @returns the exit code: 0, 1 for a password that cannot be used, 130 after Ctrl-C
 */
export async function runHashPassword(args: readonly string[]): Promise<number> {
  parseArguments({ args: [...args], options: {} });
  const password = process.stdin.isTTY ? await typedPassword() : await pipedPassword();
  if (password === undefined) return interrupted;
  const problem = problemWith(password);
  if (problem !== undefined) {
    process.stderr.write(`ferrygate: ${problem}\n`);
    return 1;
  }
  process.stdout.write(`${await createPasswordHasher().hash(password.toString("utf8"))}\n`);
  return 0;
}

function problemWith(password: Buffer): string | undefined {
  if (password.length === 0) return "the password is empty";
  if (password.length > limits.passwordBytes) return `the password is over ${limits.passwordBytes} bytes`;
  return password.equals(Buffer.from(password.toString("utf8"))) ? undefined : "the password is not UTF-8 text";
}

async function pipedPassword(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    // Two more than allowed: they may be a line break.
    if (length > limits.passwordBytes + 2) break;
  }
  const bytes = Buffer.concat(chunks);
  const lineBreakBytes = /\r?\n$/.exec(bytes.toString("latin1"))?.[0].length ?? 0;
  return bytes.subarray(0, bytes.length - lineBreakBytes);
}

/** @returns undefined after Ctrl-C */
async function typedPassword(): Promise<Buffer | undefined> {
  process.stderr.write("Password: ");
  process.stdin.setRawMode(true).setEncoding("utf8");
  const typed: string[] = [];
  try {
    for await (const text of process.stdin) {
      for (const character of String(text)) {
        if (character === endOfText) return undefined;
        if (["\r", "\n", endOfTransmission].includes(character)) return Buffer.from(typed.join(""));
        if (character === backspace || character === erase) typed.pop();
        else typed.push(character);
      }
    }
    return Buffer.from(typed.join(""));
  } finally {
    process.stdin.setRawMode(false);
    process.stderr.write("\n");
  }
}
