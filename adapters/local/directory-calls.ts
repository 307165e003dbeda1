import * as fs from "node:fs";
import { hasCode, toFileError } from "./directory-errors.ts";

/**
 * The calls to the operating system that the store makes, with its errors as FileError. They take the callback form
 * of `node:fs`: for a small file it costs a third less than `node:fs/promises`.
 */
type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

/** The answer of one call in callback form. @throws FileError. */
export function call<T = void>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(toFileError(error)) : resolve(value as T)));
  });
}

/** Attributes of what has this path, links not followed; undefined when nothing has. */
export async function lookUp(path: string): Promise<fs.BigIntStats | undefined> {
  try {
    return await call<fs.BigIntStats>((done) => fs.lstat(path, { bigint: true }, done));
  } catch (error) {
    if (hasCode(error, "not-found", "not-a-directory")) return undefined;
    throw error;
  }
}

export function openDescriptor(path: string, flags: number, mode = 0): Promise<number> {
  return call<number>((done) => fs.open(path, flags, mode, done));
}

/** What stands in the folder, links not followed. */
export function entriesIn(path: string): Promise<readonly fs.Dirent[]> {
  return call<fs.Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done));
}

export function rename(from: string, to: string): Promise<void> {
  return call((done) => fs.rename(from, to, done));
}

/** A second name for a file. @throws FileError `already-exists` where `rename` would replace. */
export function link(existing: string, added: string): Promise<void> {
  return call((done) => fs.link(existing, added, done));
}

export function unlink(path: string): Promise<void> {
  return call((done) => fs.unlink(path, done));
}

export async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
  });
}

export function removeFolder(path: string): Promise<void> {
  return call((done) => fs.rmdir(path, done));
}

export function makeFolder(path: string, mode: number): Promise<void> {
  return call((done) => fs.mkdir(path, mode, done));
}

/** Sets the modification time of what has this path, and of a link itself. */
export function setModified(path: string, modifiedAtMs: number): Promise<void> {
  const seconds = modifiedAtMs / 1000;
  return call((done) => fs.lutimes(path, seconds, seconds, done));
}

/** The path with every link in it followed. */
export function realPath(path: string): Promise<string> {
  return call<string>((done) => fs.realpath.native(path, done));
}
