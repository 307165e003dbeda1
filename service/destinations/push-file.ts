import type { OverwritePolicy } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import type { RemoteContent, RemoteSite } from "../../ports/remote-site.ts";
import type { DispatchServices } from "../dispatch/dispatch-services.ts";
import { type DispatchedFile, type PinnedContent, pin } from "../dispatch/dispatched-file.ts";
import { paced } from "./byte-pace.ts";
import { outgoingContent } from "./outgoing-content.ts";
import { pushTrail } from "./push-trail.ts";
import { freeRemotePath, temporaryPath } from "./remote-names.ts";
import type { RemoteTurn } from "./remote-transfer.ts";

/** A file that is to go to a destination. */
export interface Outgoing {
  /** Names the work: what is on the way is named after it. ASCII. */
  readonly workId: string;
  readonly file: DispatchedFile;
  /** Where it is to go. */
  readonly wanted: VirtualPath;
  readonly overwrite: OverwritePolicy;
  readonly groups: readonly string[];
}

/** Word for whoever takes a push over, kept before each step that it is about. */
export interface PushNote {
  /** Absent when the transfer is at its end and another one is to begin. */
  readonly transferId?: string | undefined;
  readonly path: VirtualPath;
  readonly bytes: number;
  readonly sha256: string;
  /** `placing`: all of it is at the site, and gets its name. */
  readonly phase: "sending" | "placing";
  /** What the site holds of it unseen: the token of the write that was cut off. */
  readonly unfinished?: string | undefined;
  /** Where the last try went on. Sites that refuse that do not all say so: what has not grown is sent anew. */
  readonly resumedAt?: number | undefined;
}

export interface PushMemory {
  readonly note: PushNote | undefined;
  keep(note: PushNote): Promise<void>;
}

/** A file that is at its destination, or why it was not sent. */
export type Pushed =
  | { readonly path: VirtualPath; readonly bytes: number; readonly sha256: string }
  | { readonly skipped: string; readonly isThere: boolean };

interface Push {
  readonly services: DispatchServices;
  readonly outgoing: Outgoing;
  readonly turn: RemoteTurn;
  readonly memory: PushMemory;
  readonly site: RemoteSite;
}

/**
 * Sends a file: under a name of its own first, so that nobody takes it before it is whole, and then to its place. What
 * an earlier try left is gone on with, when it is what it should be. The transfer is on record from its first byte to
 * its last, however many tries it takes. Once everything is there it is not sent again, also after a crash.
 * @throws FileError `unavailable` for what may pass; `already-exists`, and what the site refuses
 */
export async function pushFile(
  services: DispatchServices,
  outgoing: Outgoing,
  turn: RemoteTurn,
  memory: PushMemory,
): Promise<Pushed> {
  return turn.withSite(async (site) => {
    const push: Push = { services, outgoing, turn, memory, site };
    try {
      return await perform(push);
    } catch (error) {
      const isFinal = error instanceof FileError && error.code !== "unavailable";
      if (isFinal && memory.note) await withdraw(push, memory.note);
      else if (turn.progress.attempts >= turn.destination.tries) await forgetUnfinished(push);
      throw error;
    }
  });
}

async function perform(push: Push): Promise<Pushed> {
  const { services, outgoing, memory, site } = push;
  const { note } = memory;
  if (note && (await hasArrived(push, note))) {
    await forgetUnfinished(push);
    return completed(push, note);
  }
  const content = await pin(services, outgoing.file);
  if (typeof content === "string") {
    if (note) await giveUp(push, note, content);
    return { skipped: content, isThere: false };
  }
  const path = await freeRemotePath(site, outgoing.wanted, outgoing.overwrite);
  const isSame = note?.sha256 === content.sha256 && note.path === path;
  if (!isSame) await discardUnfinished(push);
  if (path === undefined) return { skipped: `${outgoing.wanted} exists at the destination already`, isThere: true };
  return send(push, path, content, isSame ? note : undefined);
}

/** @param before what an earlier try noted about the same content on its way to the same place */
async function send(
  push: Push,
  path: VirtualPath,
  content: PinnedContent,
  before: PushNote | undefined,
): Promise<Pushed> {
  const { services, memory, site } = push;
  const transferId = memory.note?.transferId ?? services.runtime.newId();
  const { bytes, sha256 } = content;
  const note: PushNote = { transferId, path, bytes, sha256, phase: "sending", unfinished: before?.unfinished };
  await memory.keep(note);
  const trail = pushTrail(services, push.outgoing, { ...note, transferId }, push.turn);
  trail.start();
  await trail.started();
  Object.assign(push.turn.progress, { path: push.outgoing.file.path, remotePath: path, bytes, movedBytes: 0 });
  if (site.appearance === "whole") await sendWhole(push, note, content);
  else await sendGradually(push, note, content, before);
  return completed(push, note);
}

async function sendWhole(push: Push, note: PushNote, content: PinnedContent): Promise<void> {
  const { path, bytes, sha256, unfinished: token } = note;
  const { memory, outgoing } = push;
  const overwrite = outgoing.overwrite === "replace";
  const continuation = { token, keep: (unfinished: string) => memory.keep({ ...note, unfinished }) };
  await push.site.write(path, contentOf(push, content), { offset: 0, bytes, sha256, overwrite, continuation });
  await verify(push, path, content);
}

async function sendGradually(
  push: Push,
  note: PushNote,
  content: PinnedContent,
  before: PushNote | undefined,
): Promise<void> {
  const { site, outgoing, memory, services } = push;
  const temporary = temporaryPath(services.runtime, note.path, outgoing.workId);
  const offset = before ? await bytesToKeep(push, { temporary, before }, content) : 0;
  if (offset > 0 && offset < content.bytes) await memory.keep({ ...note, resumedAt: offset });
  push.turn.progress.movedBytes = offset;
  if (offset < content.bytes || content.bytes === 0) {
    const { bytes, sha256 } = content;
    await site.write(temporary, contentOf(push, content), { offset, bytes, sha256, overwrite: true });
  }
  await verify(push, temporary, content);
  await memory.keep({ ...note, phase: "placing" });
  try {
    await site.rename(temporary, note.path, { overwrite: outgoing.overwrite === "replace" });
  } catch (error) {
    const isTaken = error instanceof FileError && error.code === "already-exists" && outgoing.overwrite === "number";
    throw isTaken ? new FileError("unavailable", `${note.path} was taken in this moment`, { cause: error }) : error;
  }
}

function contentOf({ services, outgoing, turn }: Push, { etag }: PinnedContent): RemoteContent {
  return (offset, purpose) => {
    const content = outgoingContent(services.objects, { objectKey: outgoing.file.objectKey, etag }, offset);
    if (purpose === "compare") return content;
    turn.progress.movedBytes = offset;
    return paced(content, turn.pace, (bytes) => {
      turn.progress.movedBytes += bytes;
    });
  };
}

/** How much of what an earlier try left is the file's beginning; what cannot be shown to be is sent again. */
async function bytesToKeep(
  push: Push,
  { temporary, before }: { readonly temporary: VirtualPath; readonly before: PushNote },
  content: PinnedContent,
): Promise<number> {
  const entry = await push.site.stat(temporary);
  if (entry?.type !== "file" || entry.bytes > content.bytes || entry.bytes === 0) return 0;
  if (entry.bytes === before.resumedAt) return 0;
  if (entry.bytes === content.bytes) {
    const digest = await push.site.digest(temporary);
    if (digest !== undefined) return digest === content.sha256 ? entry.bytes : 0;
  }
  const from = Math.max(0, entry.bytes - limits.resumeCheckBytes);
  return (await isTailSame(push, { temporary, from, to: entry.bytes }, content)) ? entry.bytes : 0;
}

/** A server that crashed may have the size and not the bytes: those before the end are read back. */
async function isTailSame(
  { site, services, outgoing }: Push,
  { temporary, from, to }: { readonly temporary: VirtualPath; readonly from: number; readonly to: number },
  { etag }: PinnedContent,
): Promise<boolean> {
  const there = await gathered(site.read(temporary, from), to - from);
  const { objectKey } = outgoing.file;
  const here = await gathered(outgoingContent(services.objects, { objectKey, etag }, from), to - from);
  return there.length === to - from && here.every((byte, index) => byte === there[index]);
}

async function gathered(content: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const all = new Uint8Array(bytes);
  let length = 0;
  for await (const piece of content) {
    const part = piece.subarray(0, bytes - length);
    all.set(part, length);
    length += part.length;
    if (length === bytes) break;
  }
  return all.subarray(0, length);
}

/** What is not what it should be is taken away, and the next try begins anew. */
async function verify({ site }: Push, path: VirtualPath, { bytes, sha256 }: PinnedContent): Promise<void> {
  const entry = await site.stat(path);
  const digest = entry?.bytes === bytes ? await site.digest(path) : undefined;
  if (entry?.bytes === bytes && (digest === undefined || digest === sha256)) return;
  const what = entry?.bytes === bytes ? "other content" : `${entry?.bytes ?? "no"} bytes instead of ${bytes}`;
  await site.remove(path).catch(() => {});
  throw new FileError("unavailable", `the destination has ${what} after the transfer`);
}

/**
 * Whether an earlier try had its effect. Where a file gets its name by a rename, the other name is gone then; the file
 * may be too, when somebody was waiting for it. Where it appears whole, the place was free before; one that was to be
 * replaced says nothing, and is replaced again.
 */
async function hasArrived({ site, outgoing, services }: Push, note: PushNote): Promise<boolean> {
  const { path, bytes, sha256, phase } = note;
  if (site.appearance === "gradual") {
    if (phase !== "placing") return false;
    return !(await site.stat(temporaryPath(services.runtime, path, outgoing.workId)));
  }
  if (outgoing.overwrite === "replace") return false;
  if ((await site.stat(path))?.bytes !== bytes) return false;
  const digest = await site.digest(path);
  return digest === undefined || digest === sha256;
}

async function completed(push: Push, note: PushNote): Promise<Pushed> {
  const { services, outgoing, turn } = push;
  const { path, bytes, sha256, transferId = services.runtime.newId() } = note;
  const trail = pushTrail(services, outgoing, { ...note, transferId }, turn);
  trail.start();
  await trail.started();
  await trail.completed({ bytes, sha256 });
  return { path, bytes, sha256 };
}

/** The file is not there any more: nothing of it is to stay at the site. */
async function giveUp(push: Push, note: PushNote, reason: string): Promise<void> {
  await withdraw(push, note);
  if (note.transferId === undefined) return;
  const trail = pushTrail(push.services, push.outgoing, { ...note, transferId: note.transferId }, push.turn);
  trail.start();
  await trail.aborted(push.turn.progress.movedBytes, reason);
}

/** From then on the other name is gone without its having been renamed. */
async function withdraw(push: Push, note: PushNote): Promise<void> {
  const { site, services, outgoing, memory } = push;
  if (site.appearance === "whole") return forgetUnfinished(push);
  await memory.keep({ ...note, phase: "sending" });
  await site.remove(temporaryPath(services.runtime, note.path, outgoing.workId)).catch(() => {});
}

/** Gives up what the site holds unseen. @throws FileError where it cannot be told so now */
async function discardUnfinished({ site, memory }: Push): Promise<void> {
  const { note } = memory;
  if (note?.unfinished === undefined) return;
  await site.unfinished?.discard(note.path, note.unfinished);
  await memory.keep({ ...note, unfinished: undefined });
}

/** The same at the end of a push: what cannot be given up now is when the push is replayed. */
async function forgetUnfinished(push: Push): Promise<void> {
  await discardUnfinished(push).catch(() => {});
}
