import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { nameOf, parentOf } from "../../core/virtual-path.ts";
import type { ClientState } from "./client-state.ts";
import { createChecksum } from "./hash-algorithms.ts";
import { formatFacts } from "./listing-format.ts";
import { Refusal, type Reply } from "./replies.ts";
import { formatTimeValue } from "./time-value.ts";

/** `"path"`, quotes inside it doubled (RFC 959 Appendix II). */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

export function pwd(client: ClientState): Reply {
  return { code: 257, text: `${quoted(client.workingDirectory)} is the current folder.` };
}

export async function cwd(client: ClientState, path: string): Promise<Reply> {
  await client.changeDirectory(client.resolve(path));
  return { code: 250, text: `${quoted(client.workingDirectory)} is the current folder.` };
}

export async function cdup(client: ClientState): Promise<Reply> {
  await client.changeDirectory(parentOf(client.workingDirectory));
  return { code: 250, text: `${quoted(client.workingDirectory)} is the current folder.` };
}

export async function mkd(client: ClientState, path: string): Promise<Reply> {
  const target = client.resolve(path);
  await client.session.makeDirectory(target);
  return { code: 257, text: `${quoted(target)} was made.` };
}

export async function rmd(client: ClientState, path: string): Promise<Reply> {
  await client.session.removeDirectory(client.resolve(path));
  return { code: 250, text: "The folder was removed." };
}

export async function dele(client: ClientState, path: string): Promise<Reply> {
  await client.session.removeFile(client.resolve(path));
  return { code: 250, text: "The file was deleted." };
}

/** RNFR. Says early when there is nothing to rename; whether it may be renamed is decided at RNTO. */
export async function rnfr(client: ClientState, path: string): Promise<Reply> {
  const from = client.resolve(path);
  await client.session.stat(from).catch((error: unknown) => {
    if (!(error instanceof FileError && error.code === "permission-denied")) throw error;
  });
  client.renameFrom = from;
  return { code: 350, text: "Send RNTO with the new name." };
}

/** RNTO. A file at the new name is replaced, as FTP clients expect; a folder never is. */
export async function rnto(client: ClientState, path: string): Promise<Reply> {
  const from = client.renameFrom;
  client.renameFrom = undefined;
  if (from === undefined) throw new Refusal(503, "Send RNFR first.");
  await client.session.rename(from, client.resolve(path), { overwrite: true });
  return { code: 250, text: "Renamed." };
}

async function statFile(client: ClientState, path: string) {
  const target = client.resolve(path);
  const entry = await client.session.stat(target);
  if (entry.type !== "file") throw new FileError("not-a-file", `${target} is a folder`);
  return entry;
}

/** SIZE (RFC 3659 §4): the same for all types, because no transfer changes what it carries. */
export async function size(client: ClientState, path: string): Promise<Reply> {
  return { code: 213, text: `${(await statFile(client, path)).size}` };
}

/** MDTM (RFC 3659 §3). */
export async function mdtm(client: ClientState, path: string): Promise<Reply> {
  return { code: 213, text: formatTimeValue((await statFile(client, path)).modifiedAtMs) };
}

/** MFMT (draft-somers-ftp-mfxx §3). */
export async function mfmt(client: ClientState, { timeMs, path }: { timeMs: number; path: string }): Promise<Reply> {
  await client.session.setModified(client.resolve(path), timeMs);
  return { code: 213, text: `Modify=${formatTimeValue(timeMs)}; ${path}` };
}

/** MLST (RFC 3659 §7.2). */
export async function mlst(client: ClientState, path: string | undefined): Promise<Reply> {
  const target = client.resolve(path);
  const entry = await client.session.stat(target);
  return { code: 250, text: ["Listing", formatFacts(entry, target, client.facts), "End"] };
}

/** HASH (draft-bryan-ftp-hash §3.1) of the whole file: `algorithm range checksum name`. */
export async function hash(client: ClientState, path: string): Promise<Reply> {
  const target = client.resolve(path);
  const algorithm = client.hashAlgorithm;
  const file = await client.session.inspect(target);
  try {
    const checksum = createChecksum(algorithm);
    const block = Buffer.allocUnsafe(limits.ftpsSendBytes);
    let position = 0;
    for (let count = -1; count !== 0; position += count) {
      count = await file.read(block, position);
      checksum.update(block.subarray(0, count));
    }
    return { code: 213, text: `${algorithm} 0-${position} ${checksum.hex()} ${nameOf(target)}` };
  } finally {
    await file.close();
  }
}
