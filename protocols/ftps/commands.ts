import type { ClientState } from "./client-state.ts";
import {
  type ArgumentParser,
  allocation,
  byteCount,
  extendedPassive,
  letter,
  listArgument,
  noArgument,
  optionalText,
  options,
  requiredText,
  timeAndPath,
  transferType,
} from "./command-arguments.ts";
import * as file from "./file-commands.ts";
import * as listing from "./listing-commands.ts";
import * as login from "./login-commands.ts";
import * as parameter from "./parameter-commands.ts";
import * as passive from "./passive-commands.ts";
import { Refusal, type Reply } from "./replies.ts";
import * as security from "./security-commands.ts";
import * as site from "./site-commands.ts";
import type { Transfer } from "./transfer.ts";
import * as transfer from "./transfer-commands.ts";

/** A reply to send, a transfer to start, or undefined when the command has answered for itself. */
type Result = Reply | Transfer | undefined;

interface Requirements {
  readonly needsTls: boolean;
  readonly needsLogin: boolean;
  readonly usableDuringTransfer: boolean;
}

/** One command of the table. */
export interface CommandSpec extends Requirements {
  /** What stands behind the verb. */
  readonly syntax: string;
  readonly run: (client: ClientState, argument: string | undefined) => Promise<Result>;
}

type Handler<T> = (client: ClientState, argument: T) => Result | Promise<Result>;

function command<T>(
  syntax: string,
  parse: ArgumentParser<T>,
  handler: Handler<T>,
  requirements: Partial<Requirements> = {},
): CommandSpec {
  return {
    ...{ syntax, needsTls: true, needsLogin: true, usableDuringTransfer: false },
    ...requirements,
    run: async (client, argument) => handler(client, parse(argument)),
  };
}

const beforeLogin = { needsLogin: false };
const anytime = { needsTls: false, needsLogin: false };
const alsoDuringTransfer = { usableDuringTransfer: true };

/** Every command that is understood, with what it needs. */
export const commandTable: ReadonlyMap<string, CommandSpec> = new Map([
  ["USER", command("<name>", requiredText, login.user, beforeLogin)],
  ["PASS", command("<password>", optionalText, login.pass, beforeLogin)],
  ["QUIT", command("", noArgument, login.quit, anytime)],

  ["AUTH", command("TLS", requiredText, security.auth, anytime)],
  ["PBSZ", command("0", byteCount, security.pbsz, anytime)],
  ["PROT", command("P", letter(["C", "P"], "CSEP", 536), security.prot, beforeLogin)],
  ["CCC", command("", noArgument, security.ccc, anytime)],

  ["FEAT", command("", noArgument, parameter.feat, anytime)],
  ["OPTS", command("<command> [<options>]", options, parameter.opts, anytime)],
  ["SYST", command("", noArgument, parameter.syst, anytime)],
  ["NOOP", command("", noArgument, parameter.noop, { ...anytime, ...alsoDuringTransfer })],
  ["HELP", command("[<command>]", optionalText, help, anytime)],
  ["STAT", command("[<path>]", listArgument, parameter.stat, { ...beforeLogin, ...alsoDuringTransfer })],
  ["SITE", command("HELP|CHMOD <mode> <path>", requiredText, site.site)],
  ["TYPE", command("A|I|L 8", transferType, parameter.type)],
  ["MODE", command("S", letter(["S"], "SBC"), parameter.mode)],
  ["STRU", command("F", letter(["F"], "FRP"), parameter.stru)],
  ["ALLO", command("<bytes>", allocation, parameter.allo)],
  ["REST", command("<offset>", byteCount, parameter.rest)],

  ["PASV", command("", noArgument, passive.pasv)],
  ["EPSV", command("[<protocol>|ALL]", extendedPassive, passive.epsv)],
  ["PORT", command("", optionalText, passive.activeMode)],
  ["EPRT", command("", optionalText, passive.activeMode)],

  ["PWD", command("", noArgument, file.pwd)],
  ["CWD", command("<path>", requiredText, file.cwd)],
  ["CDUP", command("", noArgument, file.cdup)],
  ["MKD", command("<path>", requiredText, file.mkd)],
  ["RMD", command("<path>", requiredText, file.rmd)],
  ["DELE", command("<path>", requiredText, file.dele)],
  ["RNFR", command("<path>", requiredText, file.rnfr)],
  ["RNTO", command("<path>", requiredText, file.rnto)],
  ["SIZE", command("<path>", requiredText, file.size)],
  ["MDTM", command("<path>", requiredText, file.mdtm)],
  ["MFMT", command("<time> <path>", timeAndPath, file.mfmt)],
  ["MLST", command("[<path>]", optionalText, file.mlst)],
  ["HASH", command("<path>", requiredText, file.hash)],

  ["LIST", command("[<path>]", listArgument, listing.list)],
  ["NLST", command("[<path>]", listArgument, listing.nlst)],
  ["MLSD", command("[<path>]", optionalText, listing.mlsd)],
  ["RETR", command("<path>", requiredText, transfer.retr)],
  ["STOR", command("<path>", requiredText, transfer.stor)],
  ["APPE", command("<path>", requiredText, transfer.appe)],
  ["STOU", command("[<path>]", optionalText, transfer.stou)],
  ["ABOR", command("", noArgument, transfer.abor, alsoDuringTransfer)],
  ...oldNames(),
]);

/** RFC 775's names, which some clients still send. */
function oldNames(): [string, CommandSpec][] {
  return [
    ["XPWD", command("", noArgument, file.pwd)],
    ["XCWD", command("<path>", requiredText, file.cwd)],
    ["XCUP", command("", noArgument, file.cdup)],
    ["XMKD", command("<path>", requiredText, file.mkd)],
    ["XRMD", command("<path>", requiredText, file.rmd)],
  ];
}

/** Commands of the RFCs that have no meaning here. */
export const unsupportedCommands: ReadonlySet<string> = new Set(
  ["ACCT", "ADAT", "CONF", "ENC", "LANG", "LPRT"].concat(["LPSV", "MIC", "REIN", "SMNT"]),
);

/** HELP (RFC 959 §4.1.3). */
function help(_client: ClientState, verb: string | undefined): Reply {
  if (verb === undefined) {
    return { code: 214, text: ["Commands:", ...rowsOf([...commandTable.keys()], 8), "HELP and a command says more."] };
  }
  const spec = commandTable.get(verb.toUpperCase());
  if (!spec) throw new Refusal(501, "There is no such command.");
  return { code: 214, text: `Syntax: ${verb.toUpperCase()} ${spec.syntax}`.trimEnd() };
}

function rowsOf(words: readonly string[], perRow: number): string[] {
  return words
    .filter((_, index) => index % perRow === 0)
    .map((_, row) => words.slice(row * perRow, (row + 1) * perRow).join(" "));
}
