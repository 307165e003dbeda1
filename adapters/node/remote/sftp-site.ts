import type { FileEntryWithStats, SFTPWrapper, Stats } from "ssh2";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { nameOf, parentOf, rootPath, segmentsOf, type VirtualPath } from "../../../core/virtual-path.ts";
import type { RemoteContent, RemoteEntry, RemoteSite, RemoteWrite } from "../../../ports/remote-site.ts";
import { connectionError } from "./deadline.ts";
import { readBlocks, writeBlocks } from "./sftp-blocks.ts";
import { connectSftp, type SftpConnection } from "./sftp-connection.ts";
import { sftpFailure, sftpStatus } from "./sftp-status.ts";

/** A site that speaks SFTP version 3. @throws FileError as `RemoteSites.open` */
export async function openSftpSite(destination: RemoteDestination): Promise<RemoteSite> {
  return new SftpSite(destination, await connectSftp(destination));
}

type Answered<T> = (error: Error | null | undefined, value: T) => void;

class SftpSite implements RemoteSite {
  readonly appearance = "gradual";
  readonly #connection: SftpConnection;
  readonly #folder: string;

  constructor({ address }: RemoteDestination, connection: SftpConnection) {
    this.#connection = connection;
    this.#folder = address.isAbsolute ? `/${address.folder}`.replace(/\/$/, "") : ".";
  }

  async *list(folder: VirtualPath): AsyncGenerator<RemoteEntry, void, undefined> {
    const handle = await this.#ask<Buffer>((sftp, done) => sftp.opendir(this.#place(folder), done));
    try {
      for (let count = 0; ; ) {
        const page = await this.#page(handle);
        if (page.length === 0) return;
        count += page.length;
        if (count > limits.remoteEntries) throw new FileError("too-large", `${folder} has too many entries`);
        for (const { filename, attrs } of page) {
          if (filename !== "." && filename !== "..") yield entryOf(filename, attrs as Stats);
        }
      }
    } finally {
      await this.#closeHandle(handle);
    }
  }

  async stat(path: VirtualPath): Promise<RemoteEntry | undefined> {
    try {
      const attributes = await this.#ask<Stats>((sftp, done) => sftp.stat(this.#place(path), done));
      return entryOf(nameOf(path), attributes);
    } catch (error) {
      if (error instanceof FileError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  // Version 3 has no such question; what some servers add to it, ssh2 cannot ask.
  async digest(): Promise<undefined> {}

  async *read(path: VirtualPath, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await this.#ask<Buffer>((sftp, done) => sftp.open(this.#place(path), "r", done));
    try {
      yield* readBlocks(this.#file(handle), offset);
    } catch (error) {
      throw fileError(error);
    } finally {
      await this.#closeHandle(handle);
    }
  }

  async write(path: VirtualPath, content: RemoteContent, { offset }: RemoteWrite): Promise<void> {
    const open = () => this.#ask<Buffer>((sftp, done) => sftp.open(this.#place(path), offset === 0 ? "w" : "r+", done));
    const handle = await this.#withFolders(path, open);
    try {
      await writeBlocks(this.#file(handle), content(offset, "send"), offset);
    } catch (error) {
      await this.#closeHandle(handle);
      throw fileError(error);
    }
    // Servers that put bytes away late say here that they could not.
    await this.#ask<void>((sftp, done) => sftp.close(handle, (error) => done(error, undefined)));
  }

  async rename(from: VirtualPath, to: VirtualPath, { overwrite }: { readonly overwrite: boolean }): Promise<void> {
    const rename = overwrite ? () => this.#replace(from, to) : () => this.#rename(from, to);
    await this.#withFolders(to, rename);
  }

  async remove(path: VirtualPath): Promise<void> {
    try {
      await this.#ask<void>((sftp, done) => sftp.unlink(this.#place(path), (error) => done(error, undefined)));
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== "not-found") throw error;
    }
  }

  close(): void {
    this.#connection.answers.end();
    this.#connection.end();
  }

  /** Version 3 refuses a target that is there, and says no more than that it failed. */
  async #rename(from: VirtualPath, to: VirtualPath): Promise<void> {
    const [source, target] = [this.#place(from), this.#place(to)];
    try {
      await this.#ask<void>((sftp, done) => sftp.rename(source, target, (error) => done(error, undefined)));
    } catch (error) {
      const isTaken = error instanceof FileError && error.code !== "not-found" && (await this.stat(to));
      throw isTaken ? new FileError("already-exists", `${to} exists at the destination already`) : error;
    }
  }

  async #replace(from: VirtualPath, to: VirtualPath): Promise<void> {
    const [source, target] = [this.#place(from), this.#place(to)];
    try {
      await this.#ask<void>((sftp, done) => sftp.ext_openssh_rename(source, target, (error) => done(error, undefined)));
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== "unsupported") throw error;
      await this.remove(to);
      await this.#rename(from, to);
    }
  }

  /** Does it once more with the folders of the path when one of them is missing. */
  async #withFolders<T>(path: VirtualPath, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== "not-found") throw error;
      await this.#expectFolderOfUrl();
      if (parentOf(path) === rootPath || (await this.stat(parentOf(path)))) throw error;
      await this.#makeFolders(parentOf(path));
      return await action();
    }
  }

  /** A URL with a typing error makes no folders: the partner would not look there. */
  async #expectFolderOfUrl(): Promise<void> {
    // Who may not look has what was said before.
    const folder = await this.stat(rootPath).catch(() => "unknown");
    if (folder === undefined) {
      throw new FileError("not-found", `the destination has no folder ${this.#folder}, which its URL names`);
    }
  }

  async #makeFolders(folder: VirtualPath): Promise<void> {
    let path = "";
    for (const name of segmentsOf(folder)) {
      path += `/${name}`;
      const place = `${this.#folder}${path}`;
      const make = this.#ask<void>((sftp, done) => sftp.mkdir(place, (error) => done(error, undefined)));
      // It may be there; where it is not, the next step says so.
      await make.catch((error: unknown) => {
        if (!(error instanceof FileError)) throw error;
      });
    }
  }

  #page(handle: Buffer): Promise<readonly FileEntryWithStats[]> {
    const page = this.#ask<FileEntryWithStats[]>((sftp, done) => {
      sftp.readdir(handle as unknown as string, done);
    });
    return page.catch((error: unknown) => {
      const { code } = (error as { readonly cause?: { readonly code?: unknown } }).cause ?? {};
      if (code === sftpStatus.endOfFile) return [];
      throw error;
    });
  }

  #place(path: VirtualPath): string {
    return path === rootPath ? this.#folder || "/" : `${this.#folder}${path}`;
  }

  #file(handle: Buffer) {
    const { sftp, answers } = this.#connection;
    return { sftp, answers, handle };
  }

  async #closeHandle(handle: Buffer): Promise<void> {
    await this.#ask<void>((sftp, done) => sftp.close(handle, (error) => done(error, undefined))).catch(() => {});
  }

  #ask<T>(request: (sftp: SFTPWrapper, done: Answered<T>) => void): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      request(this.#connection.sftp, (error, value) => (error ? reject(fileError(error)) : resolve(value)));
    });
    return this.#connection.answers.wait(answer).catch((error: unknown) => {
      throw fileError(error);
    });
  }
}

function entryOf(name: string, attributes: Stats): RemoteEntry {
  const isFile = attributes.isFile();
  return {
    name,
    type: isFile ? "file" : attributes.isDirectory() ? "directory" : "other",
    bytes: isFile ? attributes.size : 0,
    modifiedAtMs: attributes.mtime === undefined ? undefined : attributes.mtime * 1000,
  };
}

function fileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  const { code, message = "" } = error as { readonly code?: unknown; readonly message?: string };
  if (message.includes("does not support this extended request")) {
    return new FileError("unsupported", "the destination cannot do that", { cause: error });
  }
  return typeof code === "number" ? sftpFailure(code, message, error) : connectionError(error);
}
