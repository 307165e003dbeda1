import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { type Client, type FileInfo, FileType, FTPError } from "basic-ftp";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { nameOf, parentOf, rootPath, segmentsOf, type VirtualPath } from "../../../core/virtual-path.ts";
import type { RemoteContent, RemoteEntry, RemoteSite, RemoteWrite } from "../../../ports/remote-site.ts";
import { ftpFailure } from "./ftp-reply.ts";
import { connectFtps } from "./ftps-connection.ts";
import { tlsError } from "./tls-trust.ts";

/** A site that speaks FTP over TLS (RFC 4217). @throws FileError as `RemoteSites.open` */
export async function openFtpsSite(destination: RemoteDestination): Promise<RemoteSite> {
  const client = await connectFtps(destination);
  try {
    const { folder, isAbsolute } = destination.address;
    const base = isAbsolute ? `/${folder}` : await client.pwd();
    const features = await client.features();
    return new FtpsSite(client, base.replace(/\/$/, ""), features.has("MLST"));
  } catch (error) {
    client.close();
    throw fileError(error, "the folder");
  }
}

const settlingMs = 10;

class FtpsSite implements RemoteSite {
  readonly appearance = "gradual";
  readonly #client: Client;
  readonly #base: string;
  readonly #hasMlst: boolean;
  /** Folders that were seen on this connection. */
  readonly #folders = new Set<VirtualPath>([rootPath]);

  constructor(client: Client, base: string, hasMlst: boolean) {
    this.#client = client;
    this.#base = base;
    this.#hasMlst = hasMlst;
  }

  async *list(folder: VirtualPath): AsyncGenerator<RemoteEntry, void, undefined> {
    const entries = await this.#ask(folder, () => this.#entries(folder));
    if (entries.length > limits.remoteEntries) throw new FileError("too-large", `${folder} has too many entries`);
    for (const entry of entries) if (entry.name !== "." && entry.name !== "..") yield entryOf(entry);
  }

  async stat(path: VirtualPath): Promise<RemoteEntry | undefined> {
    try {
      return await this.#ask(path, () => (this.#hasMlst ? this.#facts(path) : this.#sizeAndTime(path)));
    } catch (error) {
      if (error instanceof FileError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  // There is no command for it that servers agree on.
  async digest(): Promise<undefined> {}

  async *read(path: VirtualPath, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    // Servers that find no file reset the data connection, and whether that or their answer is seen first is chance.
    if (!(await this.stat(path))) throw new FileError("not-found", "the destination has no such file");
    const through = new PassThrough({ highWaterMark: limits.httpSendBytes });
    const transfer = this.#ask(path, () => this.#client.downloadTo(through, this.#place(path), offset));
    let isUnderWay = true;
    const settled = () => {
      isUnderWay = false;
    };
    transfer.then(settled, (error: unknown) => {
      settled();
      through.destroy(error instanceof Error ? error : undefined);
    });
    try {
      for await (const piece of through) yield piece;
      await transfer;
    } catch (error) {
      throw fileError(error, path);
    } finally {
      // Whoever stops reading leaves a transfer that cannot be ended otherwise.
      if (isUnderWay) this.close();
    }
  }

  async write(path: VirtualPath, content: RemoteContent, { offset }: RemoteWrite): Promise<void> {
    await this.#makeFolders(parentOf(path));
    let failure: unknown;
    const source = Readable.from(this.#endingLate(content(offset, "send")), { objectMode: false }).on(
      "error",
      (error) => {
        failure = error;
      },
    );
    try {
      await this.#ask(path, () =>
        offset === 0
          ? this.#client.uploadFrom(source, this.#place(path))
          : this.#client.appendFrom(source, this.#place(path)),
      );
    } catch (error) {
      if (failure instanceof FileError) throw failure;
      throw error instanceof FileError && error.code === "not-found" ? refusal(error) : error;
    } finally {
      source.destroy();
    }
  }

  /**
   * basic-ftp may send the end of an empty content before TLS is there, or together with the end of its handshake;
   * servers then see no TLS at all.
   */
  async *#endingLate(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let isEmpty = true;
    for await (const piece of content) {
      isEmpty = false;
      yield piece;
    }
    if (!isEmpty) return;
    const { dataSocket } = this.#client.ftp;
    const isUnready =
      dataSocket instanceof TLSSocket && "secureConnecting" in dataSocket && dataSocket.secureConnecting;
    if (isUnready) await once(dataSocket, "secureConnect");
    await delay(settlingMs);
  }

  async rename(from: VirtualPath, to: VirtualPath, { overwrite }: { readonly overwrite: boolean }): Promise<void> {
    await this.#makeFolders(parentOf(to));
    // FTP has no rename that spares what is there, so this is asked as late as it can be.
    if (!overwrite && (await this.stat(to))) {
      throw new FileError("already-exists", `${to} exists at the destination already`);
    }
    const rename = () => this.#ask(from, () => this.#client.rename(this.#place(from), this.#place(to)));
    try {
      await rename();
    } catch (error) {
      // Some servers give no file the name of another.
      const isTaken = overwrite && error instanceof FileError && error.code !== "unavailable" && (await this.stat(to));
      if (!isTaken) throw await this.#meant(error, from);
      await this.remove(to);
      await rename();
    }
  }

  /** What is refused has the code of what is not there. */
  async #meant(error: unknown, path: VirtualPath): Promise<unknown> {
    const isRefusal = error instanceof FileError && error.code === "not-found" && (await this.stat(path));
    return isRefusal ? refusal(error) : error;
  }

  async remove(path: VirtualPath): Promise<void> {
    try {
      await this.#ask(path, () => this.#client.remove(this.#place(path)));
    } catch (error) {
      const isGone = error instanceof FileError && error.code === "not-found" && !(await this.stat(path));
      if (!isGone) throw error instanceof FileError && error.code === "not-found" ? refusal(error) : error;
    }
  }

  close(): void {
    this.#client.close();
  }

  /** A listing comes as one text, which has to have an end. */
  async #entries(folder: VirtualPath): Promise<FileInfo[]> {
    await this.#client.cd(this.#place(folder));
    let isTooLong = false;
    this.#client.trackProgress(({ bytes }) => {
      if (bytes <= limits.remoteListingBytes) return;
      isTooLong = true;
      this.close();
    });
    try {
      return await this.#client.list();
    } catch (error) {
      throw isTooLong ? new FileError("too-large", `the listing of ${folder} is too long`) : error;
    } finally {
      this.#client.trackProgress();
    }
  }

  /** RFC 3659 §7. */
  async #facts(path: VirtualPath): Promise<RemoteEntry> {
    const { message } = await this.#client.send(`MLST ${this.#place(path)}`);
    const [, line = ""] = /\n[ \t]*(\S*?;)[ ]/.exec(message) ?? [];
    const facts = new Map(
      line.split(";").map((fact): [string, string] => {
        const [name = "", value = ""] = fact.split("=");
        return [name.toLowerCase(), value];
      }),
    );
    const type = facts.get("type")?.toLowerCase();
    const isFile = type === "file";
    return {
      name: nameOf(path),
      type: isFile ? "file" : type === "dir" || type === "cdir" || type === "pdir" ? "directory" : "other",
      bytes: isFile ? Number(facts.get("size") ?? 0) : 0,
      modifiedAtMs: instantOf(facts.get("modify") ?? ""),
    };
  }

  async #sizeAndTime(path: VirtualPath): Promise<RemoteEntry> {
    const place = this.#place(path);
    const bytes = await this.#client.size(place);
    const modified = await this.#client.lastMod(place).catch((error: unknown) => {
      if (error instanceof FTPError) return undefined;
      throw error;
    });
    return { name: nameOf(path), type: "file", bytes, modifiedAtMs: modified?.getTime() };
  }

  async #makeFolders(folder: VirtualPath): Promise<void> {
    if (this.#folders.has(folder)) return;
    let path = "";
    for (const name of segmentsOf(folder)) {
      path += `/${name}`;
      // It may be there; where it is not, the next step says so.
      await this.#client.sendIgnoringError(`MKD ${this.#base}${path}`);
    }
    this.#folders.add(folder);
  }

  #place(path: VirtualPath): string {
    return path === rootPath ? this.#base || "/" : `${this.#base}${path}`;
  }

  async #ask<T>(path: VirtualPath, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw fileError(error, path);
    }
  }
}

function entryOf({ name, type, size, modifiedAt }: FileInfo): RemoteEntry {
  const isFile = type === FileType.File;
  return {
    name,
    type: isFile ? "file" : type === FileType.Directory ? "directory" : "other",
    bytes: isFile ? size : 0,
    modifiedAtMs: modifiedAt?.getTime(),
  };
}

/** RFC 3659 §2.3: `YYYYMMDDHHMMSS`, in UTC. */
function instantOf(time: string): number | undefined {
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(time)?.slice(1).map(Number);
  if (!digits) return undefined;
  const [year = 0, month = 1, day, hour, minute, second] = digits;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** One code stands for both that nothing is there and that nothing may be done there. */
function refusal(cause: FileError): FileError {
  return new FileError("permission-denied", cause.message.replace("has no such file", "refused"), { cause });
}

function fileError(error: unknown, path: string): FileError {
  if (error instanceof FileError) return error;
  if (!(error instanceof FTPError)) return tlsError(error);
  return ftpFailure(error, path);
}
