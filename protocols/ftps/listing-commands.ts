import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { nameOf, parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { ClientState } from "./client-state.ts";
import { formatFacts, formatListLine, type ListedEntry } from "./listing-format.ts";
import { isPattern, matchesPattern } from "./name-pattern.ts";
import { Refusal, type Reply } from "./replies.ts";
import { linesOf, send } from "./send.ts";
import type { Transfer } from "./transfer.ts";
import { planTransfer } from "./transfer-commands.ts";

/** Entries of one folder, and how a name among them is written so that it leads there from the current folder. */
interface Found {
  readonly pages: AsyncIterable<readonly ListedEntry[]>;
  readonly prefix: string;
}

/** LIST (RFC 959 §4.1.3), in the form of `ls -l`. */
export async function list(client: ClientState, path: string | undefined): Promise<Transfer> {
  return planListing(client, () => find(client, path), listLine(client));
}

/** NLST: names that can be used as they are in the commands to follow (RFC 1123 §4.1.2.7). */
export async function nlst(client: ClientState, path: string | undefined): Promise<Transfer> {
  return planListing(
    client,
    () => find(client, path),
    ({ name }, prefix) => prefix + name,
  );
}

/** MLSD (RFC 3659 §7.2). @throws Refusal 501 for what is not a folder. */
export async function mlsd(client: ClientState, path: string | undefined): Promise<Transfer> {
  return planListing(
    client,
    () => folder(client, client.resolve(path)),
    (entry) => formatFacts(entry, entry.name, client.facts),
  ).catch((error: unknown) => {
    throw hasCode(error, "not-a-directory") ? new Refusal(501, "MLSD is for folders; send MLST.") : error;
  });
}

/** STAT with a path: LIST over the control connection (RFC 959 §4.1.3), for what fits there. */
export async function statPath(client: ClientState, path: string): Promise<Reply> {
  const format = listLine(client);
  const lines: string[] = [];
  for await (const page of (await find(client, path)).pages) {
    lines.push(...page.map((entry) => format(entry)));
    if (lines.length > limits.listingPageEntries) throw new Refusal(550, "Too much for STAT; send LIST.");
  }
  return { code: 213, text: [`Status of ${client.resolve(path)}`, ...lines, "End"] };
}

function listLine({ session }: ClientState): (entry: ListedEntry) => string {
  const owner = session.account?.name ?? "";
  const nowMs = Date.now();
  return (entry) => formatListLine(entry, owner, nowMs);
}

function planListing(
  client: ClientState,
  find: () => Promise<Found>,
  format: (entry: ListedEntry, prefix: string) => string,
): Promise<Transfer> {
  client.takeRestartOffset();
  return planTransfer(client, async () => {
    const { pages, prefix } = await find();
    const lines = linesOf(pages, (entry) => format(entry, prefix));
    return {
      announcement: "Sending the listing.",
      direction: "send",
      move: (socket, progressed) => send(socket, lines, progressed),
      complete: async () => "The listing is sent.",
      abort: async () => {},
    };
  });
}

/** A folder's entries; or a file; or, where nothing has the name, the entries that its last part is a pattern of. */
async function find(client: ClientState, path: string | undefined): Promise<Found> {
  const target = client.resolve(path);
  try {
    const { pages } = await folder(client, target);
    return { pages, prefix: path === undefined ? "" : path.replace(/\/*$/, "/") };
  } catch (error) {
    const prefix = path?.slice(0, path.lastIndexOf("/") + 1) ?? "";
    if (hasCode(error, "not-a-directory")) return { pages: single(await file(client, target)), prefix };
    if (!hasCode(error, "not-found") || !isPattern(nameOf(target))) throw error;
    const { pages } = await folder(client, parentOf(target));
    return { pages: matching(pages, nameOf(target)), prefix };
  }
}

async function folder(client: ClientState, target: VirtualPath): Promise<Found> {
  const listing = await client.session.list(target);
  return { pages: pagesOf(listing), prefix: "" };
}

async function file(client: ClientState, target: VirtualPath): Promise<ListedEntry> {
  return { name: nameOf(target), ...(await client.session.stat(target)) };
}

type Listing = Awaited<ReturnType<ClientState["session"]["list"]>>;

async function* pagesOf(listing: Listing): AsyncGenerator<readonly ListedEntry[]> {
  for (let page = await listing.next(); page; page = await listing.next()) yield page;
}

async function* single(entry: ListedEntry): AsyncGenerator<readonly ListedEntry[]> {
  yield [entry];
}

async function* matching(
  pages: AsyncIterable<readonly ListedEntry[]>,
  pattern: string,
): AsyncGenerator<readonly ListedEntry[]> {
  for await (const page of pages) yield page.filter(({ name }) => matchesPattern(name, pattern));
}

function hasCode(error: unknown, code: FileError["code"]): boolean {
  return error instanceof FileError && error.code === code;
}
