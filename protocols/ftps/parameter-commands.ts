import type { ClientState } from "./client-state.ts";
import type { TransferType } from "./command-arguments.ts";
import { hashAlgorithms } from "./hash-algorithms.ts";
import { statPath } from "./listing-commands.ts";
import { factNames } from "./listing-format.ts";
import { Refusal, type Reply } from "./replies.ts";

/** TYPE. Both types carry the bytes as they are, so that a file has one size and one digest. */
export function type(client: ClientState, transferType: TransferType): Reply {
  client.transferType = transferType;
  return {
    code: 200,
    text: transferType === "image" ? "Type is image." : "Type is ASCII; lines are sent as they are.",
  };
}

export function mode(): Reply {
  return { code: 200, text: "Mode is stream." };
}

export function stru(): Reply {
  return { code: 200, text: "Structure is file." };
}

export function allo(): Reply {
  return { code: 202, text: "Space needs no reservation." };
}

/** REST (RFC 3659 §5): for the next transfer. */
export function rest(client: ClientState, offset: number): Reply {
  client.restartOffset = offset;
  return { code: 350, text: `The next transfer starts at ${offset}.` };
}

export function syst(): Reply {
  return { code: 215, text: "UNIX Type: L8" };
}

export function noop(): Reply {
  return { code: 200, text: "Nothing done." };
}

/** FEAT (RFC 2389 §3): what is there, no more. A `*` marks what is in force. */
export function feat(client: ClientState): Reply {
  const facts = factNames.map((name) => `${name}${client.facts.includes(name) ? "*" : ""};`).join("");
  const hashes = hashAlgorithms.map((name) => `${name}${client.hashAlgorithm === name ? "*" : ""}`).join(";");
  const features = ["AUTH TLS", "EPSV", `HASH ${hashes}`, "MDTM", "MFMT", `MLST ${facts}`, "PBSZ", "PROT"];
  return { code: 211, text: ["Features:", ...features, "REST STREAM", "SIZE", "TVFS", "UTF8", "End"] };
}

/** OPTS (RFC 2389 §4) for UTF8, MLST (RFC 3659 §7.9) and HASH (draft-bryan-ftp-hash §3.2). */
export function opts(client: ClientState, { command, value }: { command: string; value: string }): Reply {
  switch (command) {
    case "UTF8":
      return optsUtf8(value);
    case "MLST":
      return optsMlst(client, value);
    case "HASH":
      return optsHash(client, value);
    default:
      throw new Refusal(501, "There are no options for this command.");
  }
}

function optsUtf8(value: string): Reply {
  if (!/^(ON)?$/i.test(value)) throw new Refusal(504, "Names are always UTF-8.");
  return { code: 200, text: "Names are UTF-8." };
}

function optsMlst(client: ClientState, value: string): Reply {
  const wanted = value.toLowerCase().split(";");
  client.facts = factNames.filter((name) => wanted.includes(name));
  return { code: 200, text: `MLST OPTS ${client.facts.map((name) => `${name};`).join("")}` };
}

function optsHash(client: ClientState, value: string): Reply {
  if (value !== "") {
    const algorithm = hashAlgorithms.find((name) => name === value.toUpperCase());
    if (!algorithm) throw new Refusal(501, `Expected one of ${hashAlgorithms.join(", ")}.`);
    client.hashAlgorithm = algorithm;
  }
  return { code: 200, text: client.hashAlgorithm };
}

/** STAT: of the session, or of a path. */
export async function stat(client: ClientState, path: string | undefined): Promise<Reply> {
  if (path !== undefined) {
    if (!client.isLoggedIn) throw new Refusal(530, "Log in with USER and PASS first.");
    return statPath(client, path);
  }
  const lines = [
    "Ferrygate FTPS",
    client.session.account ? `Logged in as ${client.session.account.name}` : "Not logged in",
    `Type ${client.transferType}, structure file, mode stream`,
    `Control connection ${client.tls ? "under TLS" : "clear"}, data connections ${client.protection}`,
    client.transfer ? "A transfer is under way" : "No transfer is under way",
  ];
  return { code: 211, text: [...lines, "End"] };
}
