import { createHash } from "node:crypto";
import { FileError } from "../../core/errors.ts";
import type { HeldFile, QuarantineBounds } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { Admittance, StoreQuarantine } from "../../ports/store-quarantine.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const files = `${partitions.automation}quarantine`;
const twins = `${files}#twins`;
const room = `${files}#room`;
const wholeRoom: Place = { pk: room, sk: "all" };

export type QuarantineRecords = Pick<StoreQuarantine, "admit" | "find" | "list"> & {
  forget(id: string): Promise<void>;
};

/**
 * The records of files in quarantine: each an item with the file as JSON, an item under what makes another file a
 * repetition of it, and what is taken of the room, of all accounts and of its own. They change in transactions, so that
 * the sums are right whoever dies.
 */
export function createDynamoQuarantine(table: DynamoTable, bounds: QuarantineBounds): QuarantineRecords {
  const find = async (id: string) => fileIn(await table.get(filePlace(id)));
  return {
    find,
    admit: (file) => inTurn(() => admitOnce(table, bounds, file)),
    list: async ({ limit, after }) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > limits.quarantinePageEntries) {
        throw new FileError("invalid-argument", `a page has 1 to ${limits.quarantinePageEntries} files`);
      }
      // One more says whether there is another page.
      const items = await table.all({ partition: files, after, limit: limit + 1 });
      const next = items.length > limit ? items[limit - 1]?.sk : undefined;
      return { files: items.slice(0, limit).flatMap((item) => fileIn(item) ?? []), next };
    },
    forget: (id) =>
      inTurn(async () => {
        const file = await find(id);
        return !file || (await table.transact(leavingWrites(file))) ? true : undefined;
      }).then(() => {}),
  };
}

/** Others write at the same time: what was too late looks again, after a moment in which they are done. */
async function inTurn<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < limits.dynamoTransactionTries; tries += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * limits.dynamoBatchRetryMs * (tries + 1)));
  }
  throw new FileError("unavailable", "the quarantine is being changed by others");
}

/** Undefined when somebody was faster. */
async function admitOnce(
  table: DynamoTable,
  bounds: QuarantineBounds,
  file: HeldFile,
): Promise<Admittance | undefined> {
  const { transferId } = file;
  const places = [filePlace(transferId), twinPlace(file), wholeRoom, accountRoom(file)].filter(
    (place) => place !== undefined,
  );
  const found = await table.getMany(places);
  const at = (place: Place | undefined) => found.find(({ pk, sk }) => pk === place?.pk && sk === place.sk);
  if (at(filePlace(transferId))) return { state: "kept" };
  const twin = at(twinPlace(file));
  if (twin) return repeat(table, String(twin.id), file);
  const reason = fullness(file, bounds, { all: amountIn(at(wholeRoom)), own: amountIn(at(accountRoom(file))) });
  if (reason !== undefined) return { state: "refused", reason };
  return (await table.transact(admittingWrites(file, bounds))) ? { state: "kept" } : undefined;
}

async function repeat(table: DynamoTable, keptAs: string, file: HeldFile): Promise<Admittance | undefined> {
  const item = await table.get(filePlace(keptAs));
  const twin = fileIn(item);
  if (!item || !twin) return undefined;
  const { transferId, heldAt } = file;
  if (twin.repeats?.transferId !== transferId) {
    const repeats = { count: (twin.repeats?.count ?? 0) + 1, transferId, heldAt };
    const { applied } = await table.update(filePlace(keptAs), {
      change: "SET #json = :json",
      condition: "#json = :known",
      values: { json: JSON.stringify({ ...twin, repeats }), known: item.json },
    });
    if (!applied) return undefined;
  }
  return { state: "repeated", keptAs };
}

interface Amount {
  readonly files: number;
  readonly bytes: number;
}

function amountIn(item: Item | undefined): Amount {
  return { files: Number(item?.files ?? 0), bytes: Number(item?.bytes ?? 0) };
}

function fullness(
  { accountName, bytes }: HeldFile,
  bounds: QuarantineBounds,
  { all, own }: { readonly all: Amount; readonly own: Amount },
): string | undefined {
  const exceeds = (held: Amount, most: Amount) => held.files + 1 > most.files || held.bytes + bytes > most.bytes;
  if (exceeds(all, bounds)) return "the quarantine is full";
  return exceeds(own, shareOf(bounds)) ? `the account ${accountName} has no more room in quarantine` : undefined;
}

function shareOf({ files: mostFiles, bytes }: QuarantineBounds): QuarantineBounds {
  return {
    files: Math.ceil(mostFiles / limits.quarantineShare),
    bytes: Math.ceil(bytes / limits.quarantineShare),
  };
}

function admittingWrites(file: HeldFile, bounds: QuarantineBounds): readonly Write[] {
  const { transferId, bytes } = file;
  const absent = { expression: "attribute_not_exists(#pk)" };
  const twin = twinPlace(file);
  const taking = (update: Place, most: QuarantineBounds): Write => ({
    update,
    change: "ADD #files :oneMore, #bytes :moreBytes",
    condition: {
      expression: "attribute_not_exists(#pk) OR (#files < :mostFiles AND #bytes <= :freeBytes)",
      values: { oneMore: 1, moreBytes: bytes, mostFiles: most.files, freeBytes: most.bytes - bytes },
    },
  });
  return [
    { put: { ...filePlace(transferId), json: JSON.stringify(file) }, condition: absent },
    ...(twin ? [{ put: { ...twin, id: transferId }, condition: absent }] : []),
    taking(wholeRoom, bounds),
    taking(accountRoom(file), shareOf(bounds)),
  ];
}

function leavingWrites(file: HeldFile): readonly Write[] {
  const isThere = { expression: "attribute_exists(#pk)" };
  const twin = twinPlace(file);
  const leaving = (update: Place): Write => ({
    update,
    change: "ADD #files :oneLess, #bytes :lessBytes",
    condition: { expression: "attribute_exists(#pk)", values: { oneLess: -1, lessBytes: -file.bytes } },
  });
  return [
    { remove: filePlace(file.transferId), condition: isThere },
    ...(twin ? [{ remove: twin }] : []),
    leaving(wholeRoom),
    leaving(accountRoom(file)),
  ];
}

function fileIn(item: Item | undefined): HeldFile | undefined {
  return item && (JSON.parse(String(item.json)) as HeldFile);
}

function filePlace(id: string): Place {
  return { pk: files, sk: id };
}

function accountRoom({ accountName }: HeldFile): Place {
  return { pk: room, sk: `account#${accountName}` };
}

/** Undefined where it is not known what the file holds. */
function twinPlace({ accountName, path, sha256 }: HeldFile): Place | undefined {
  if (sha256 === "") return undefined;
  const content = JSON.stringify([accountName, path, sha256]);
  return { pk: twins, sk: createHash("sha256").update(content).digest("hex") };
}
