import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { limits } from "../../core/limits.ts";
import type { Pull } from "../../core/pull.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import { childPath, nameOf, parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { RemoteEntry, RemoteSite, VersionPin } from "../../ports/remote-site.ts";
import { underClaim } from "../consume/once.ts";
import { WorkBusy } from "../consume/retry.ts";
import { openUpload } from "../session/open-upload.ts";
import { Recorder } from "../session/recorder.ts";
import { transferEventId } from "../session/transfer.ts";
import type { Upload, UploadOptions } from "../session/upload.ts";
import { paced } from "./byte-pace.ts";
import type { DestinationAccess } from "./destination-access.ts";
import type { PullServices } from "./pull-services.ts";
import { freeRemotePath, numberedPath } from "./remote-names.ts";

/** A file of a site that is to be fetched. */
export interface Incoming {
  readonly pull: Pull;
  readonly account: Account;
  readonly entry: RemoteEntry;
  /** The same as long as the file stays as it is. */
  readonly id: string;
  readonly access: DestinationAccess;
  readonly progress: TransferProgress;
}

interface Note {
  readonly transferId: string;
  /** Of the file at the site, once all of it was read. */
  readonly version?: string | undefined;
}

/**
 * Fetches a file once: as an upload into the account's folder, which begins and ends on record. Then it is dealt with
 * at the site as the pull says. Whoever comes after a crash finds whether the file had come.
 * @throws WorkBusy; FileError `unavailable` for what may pass; `already-exists`, and what the store and the site refuse
 */
export async function fetchOnce(services: PullServices, incoming: Incoming): Promise<void> {
  const { pull, id } = incoming;
  const done = await underClaim(services, `pull/${pull.name}/${id}`, async ({ note, annotate }) => {
    const fetched =
      (await whatHasCome(services, note)) ??
      (await fetchFile(services, incoming, (now) => annotate(JSON.stringify(now))));
    // What was skipped stays at the site.
    if (fetched && pull.after.kind !== "keep") await dealWithSource(incoming, fetched);
    else await services.memory.remember(pull.name, id);
    // The same file may be put there again later: it is fetched again then.
    await annotate("");
  });
  if (!done) throw new WorkBusy();
}

/** The version of the file that an earlier call has fetched. */
async function whatHasCome({ accounting }: PullServices, note: string | undefined): Promise<VersionPin | undefined> {
  if (note === undefined || note === "") return undefined;
  const { transferId, version }: Note = JSON.parse(note);
  const completed = await accounting.find(transferEventId(transferId, "transfer.completed"));
  return completed && { version };
}

/** @returns which version it was; undefined for a file that is to be skipped */
async function fetchFile(
  services: PullServices,
  incoming: Incoming,
  annotate: (note: Note) => Promise<void>,
): Promise<VersionPin | undefined> {
  const path = await freePath(services, incoming);
  if (path === undefined) return undefined;
  const upload = await startUpload(services, incoming, path);
  const { transferId } = upload;
  const pin: VersionPin = { version: undefined };
  try {
    await annotate({ transferId });
    await receive(incoming, upload, pin);
    if (pin.version !== undefined && incoming.pull.after.kind !== "keep") {
      await annotate({ transferId, version: pin.version });
    }
  } catch (error) {
    const reason = error instanceof FileError ? error.message : "an internal error";
    await upload.abort(reason).catch(() => {});
    throw error;
  }
  await upload.commit();
  return pin;
}

async function startUpload(services: PullServices, incoming: Incoming, path: VirtualPath): Promise<Upload> {
  const { pull, account } = incoming;
  const objectKey = new FolderMap(account).objectKeyFor(path);
  await services.objects.ensureDirectory(objectKey.split("/").slice(0, -1).join("/"));
  const recorder = new Recorder(services, { protocol: "system" });
  recorder.account = { name: account.name, groups: account.groups.map(({ name }) => name) };
  const remotePath = childPath(pull.from, incoming.entry.name);
  const subject = { path, objectKey, remote: { destination: pull.destination, remotePath } };
  const options: UploadOptions = {
    mode: pull.overwrite === "replace" ? "replace" : "create",
    bytes: incoming.entry.bytes,
    modifiedAtMs: incoming.entry.modifiedAtMs,
  };
  const entry = await services.objects.stat(objectKey);
  return openUpload(services, { recorder, subject, entry, account, ended: () => {} }, options);
}

/** A connection that is lost in the middle is made again, and the rest of the same file fetched. */
async function receive(incoming: Incoming, upload: Upload, pin: VersionPin): Promise<void> {
  const { entry, access } = incoming;
  for (let connections = 1; ; connections += 1) {
    const before = upload.size;
    try {
      await access.withSite((site) => receiveRest(incoming, site, { upload, pin }));
      return;
    } catch (error) {
      const mayPass = error instanceof FileError && error.code === "unavailable";
      const hasProgress = upload.size > before && upload.size < entry.bytes;
      if (!mayPass || !hasProgress || connections > limits.pullReconnects) throw error;
    }
  }
}

async function receiveRest(
  { pull, entry, access, progress }: Incoming,
  site: RemoteSite,
  { upload, pin }: { readonly upload: Upload; readonly pin: VersionPin },
): Promise<void> {
  const remotePath = childPath(pull.from, entry.name);
  if (upload.size > 0) await assertUnchanged(site, remotePath, entry);
  progress.movedBytes = upload.size;
  const content = paced(site.read(remotePath, upload.size, pin), access.pace, (bytes) => {
    progress.movedBytes += bytes;
  });
  for await (const piece of content) await upload.append(piece);
  if (upload.size < entry.bytes) throw new FileError("unavailable", "the destination sent less than the whole file");
  await assertUnchanged(site, remotePath, entry);
}

/** A file that changes while it is fetched would come as a mixture. */
async function assertUnchanged(site: RemoteSite, path: VirtualPath, entry: RemoteEntry): Promise<void> {
  if (await isUnchanged(site, path, entry)) return;
  throw new FileError("integrity", "the file was changed at the destination in this moment");
}

async function isUnchanged(site: RemoteSite, path: VirtualPath, entry: RemoteEntry): Promise<boolean> {
  const now = await site.stat(path);
  if (now?.type !== "file" || now.bytes !== entry.bytes) return false;
  // Listings of some servers are coarser than what they say about one file.
  const differenceMs = Math.abs((now.modifiedAtMs ?? 0) - (entry.modifiedAtMs ?? now.modifiedAtMs ?? 0));
  return differenceMs < mostDifferenceMs;
}

const mostDifferenceMs = 1000;

/** Where the file goes at this moment; undefined when the name is taken and the pull says to leave it then. */
async function freePath({ objects }: PullServices, incoming: Incoming): Promise<VirtualPath | undefined> {
  const { pull, account, entry } = incoming;
  const folders = new FolderMap(account);
  const wanted = childPath(pull.to, entry.name);
  const isTaken = async (path: VirtualPath) => (await objects.stat(folders.objectKeyFor(path))) !== undefined;
  if (pull.overwrite === "replace" || !(await isTaken(wanted))) return wanted;
  if (pull.overwrite === "skip") return undefined;
  if (pull.overwrite === "number") {
    for (let number = 1; number <= limits.dispatchNumbers; number += 1) {
      if (!(await isTaken(numberedPath(wanted, number)))) return numberedPath(wanted, number);
    }
  }
  throw new FileError("already-exists", `${wanted} exists already`);
}

/** Another file of the same name stays where it is: it is fetched for itself. */
async function dealWithSource(incoming: Incoming, pin: VersionPin): Promise<void> {
  const { pull, entry, access } = incoming;
  const { after } = pull;
  if (after.kind === "keep") return;
  await access.withSite(async (site) => {
    const path = childPath(pull.from, entry.name);
    if (!(await isUnchanged(site, path, entry))) return;
    try {
      await (after.kind === "delete" ? site.remove(path, pin) : moveAway(site, path, { folder: after.folder, pin }));
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== "integrity") throw error;
    }
  });
}

export interface PutAway {
  /** A folder of the site. */
  readonly folder: VirtualPath;
  readonly pin?: VersionPin | undefined;
}

/** Into a folder of the site, under a free name. */
export async function moveAway(site: RemoteSite, path: VirtualPath, { folder, pin }: PutAway): Promise<void> {
  const target = await freeRemotePath(site, childPath(folder, nameOf(path)), "number");
  if (target !== undefined && parentOf(target) !== parentOf(path)) {
    await site.rename(path, target, { overwrite: false, pin });
  }
}
