import { Agent as HttpsAgent } from "node:https";
import type { Readable } from "node:stream";
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import { nameOf, rootPath, type VirtualPath } from "../../core/virtual-path.ts";
import type {
  RemoteContent,
  RemoteEntry,
  RemoteRename,
  RemoteSite,
  RemoteWrite,
  UnfinishedWrites,
  VersionPin,
} from "../../ports/remote-site.ts";
import { type CopySizes, copySizesOfS3, isUnknownCondition, S3SiteCopies } from "./s3-site-copies.ts";
import { siteFailure } from "./s3-site-errors.ts";
import { S3SiteUploads, smallestPartBytes } from "./s3-site-uploads.ts";

/** A bucket, or the objects below a prefix of it; it is asked when there is something to do. */
export function openS3Site(destination: RemoteDestination, copySizes = copySizesOfS3): RemoteSite {
  return new S3Site(destination, copySizes);
}

/** The SHA-256 of an object as its writer knew it. */
const digestName = "sha256";

class S3Site implements RemoteSite {
  readonly appearance = "whole";
  readonly unfinished: UnfinishedWrites;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #uploads: S3SiteUploads;
  readonly #copies: S3SiteCopies;
  readonly #closing = new AbortController();

  constructor(destination: RemoteDestination, copySizes: CopySizes) {
    this.#client = clientOf(destination);
    this.#uploads = new S3SiteUploads(this.#client, this.#closing.signal);
    this.#copies = new S3SiteCopies(this.#client, this.#closing.signal, copySizes);
    this.unfinished = { discard: (path, token) => this.#discard(path, token) };
    this.#bucket = destination.address.host;
    this.#prefix = destination.address.folder;
  }

  async *list(folder: VirtualPath): AsyncGenerator<RemoteEntry, void, undefined> {
    const prefix = folder === rootPath && this.#prefix === "" ? "" : `${this.#objectKey(folder)}/`;
    const input = { Bucket: this.#bucket, Prefix: prefix, Delimiter: "/" };
    let count = 0;
    try {
      for await (const page of paginateListObjectsV2({ client: this.#client }, input)) {
        count += (page.Contents ?? []).length;
        if (count > limits.remoteEntries) throw new FileError("too-large", `${folder} has too many entries`);
        yield* (page.Contents ?? []).map((object) => entryOf(object, prefix)).filter(({ name }) => name !== "");
      }
    } catch (error) {
      throw siteFailure(error);
    }
  }

  async stat(path: VirtualPath): Promise<RemoteEntry | undefined> {
    const head = await this.#head(path);
    if (!head) return undefined;
    const { ContentLength: bytes = 0, LastModified } = head;
    return { name: nameOf(path), type: "file", bytes, modifiedAtMs: LastModified?.getTime() };
  }

  async digest(path: VirtualPath): Promise<string | undefined> {
    return (await this.#head(path))?.Metadata?.[digestName];
  }

  async *read(path: VirtualPath, offset: number, pin?: VersionPin): AsyncGenerator<Uint8Array, void, undefined> {
    const Range = offset === 0 ? undefined : `bytes=${offset}-`;
    const input = { Bucket: this.#bucket, Key: this.#objectKey(path), Range, IfMatch: pin?.version };
    try {
      const { Body, ETag } = await this.#client.send(new GetObjectCommand(input), this.#signal());
      if (pin) pin.version = ETag;
      if (Body) yield* Body as Readable;
    } catch (error) {
      const { name } = error as { name?: unknown };
      if (name === "InvalidRange") return;
      if (name === "PreconditionFailed") throw replaced(path);
      throw siteFailure(error);
    }
  }

  async write(path: VirtualPath, content: RemoteContent, options: RemoteWrite): Promise<void> {
    const { bytes, sha256, overwrite, continuation } = options;
    const object = {
      Bucket: this.#bucket,
      Key: this.#objectKey(path),
      Metadata: { [digestName]: sha256 },
      ...(!overwrite && { IfNoneMatch: "*" }),
    };
    try {
      if (bytes <= smallestPartBytes) {
        const Body = await gathered(content(0, "send"), bytes);
        await this.#client.send(new PutObjectCommand({ ...object, Body }), this.#signal());
      } else {
        await this.#uploads.write(object, content, { bytes, continuation });
      }
    } catch (error) {
      const failure = siteFailure(error, path);
      if (!(await this.#hasComeAfterAll(path, options, failure))) throw failure;
    }
  }

  /**
   * An answer that gets lost makes the client ask again, and what it put there the first time is in its own way then.
   * The digest tells it from what others have put there.
   */
  async #hasComeAfterAll(path: VirtualPath, { bytes, sha256 }: RemoteWrite, { code }: FileError): Promise<boolean> {
    if (code !== "already-exists" && code !== "not-found") return false;
    const head = await this.#head(path).catch(() => undefined);
    return head?.ContentLength === bytes && head.Metadata?.[digestName] === sha256;
  }

  /**
   * S3 copies and deletes: a copy that is not to overwrite is refused by S3 itself, and what takes the place of the
   * file after it was copied stays. Services that know no such conditions are asked what is there right before.
   */
  async rename(from: VirtualPath, to: VirtualPath, { overwrite, pin }: RemoteRename): Promise<void> {
    if (!overwrite && (await this.stat(to))) {
      throw new FileError("already-exists", `${to} exists at the destination already`);
    }
    const head = await this.#head(from);
    if (head?.ETag === undefined) throw new FileError("not-found", `${from} is not at the destination`);
    if (pin?.version !== undefined && pin.version !== head.ETag) throw replaced(from);
    const [fromKey, toKey] = [this.#objectKey(from), this.#objectKey(to)];
    try {
      await this.#copies.copy({ bucket: this.#bucket, fromKey, toKey, head, overwrite });
    } catch (error) {
      throw siteFailure(error, to);
    }
    await this.#removeVersion(from, head.ETag);
  }

  async remove(path: VirtualPath, pin?: VersionPin): Promise<void> {
    if (pin?.version === undefined) return this.#delete(path);
    if (!(await this.#removeVersion(path, pin.version))) throw replaced(path);
  }

  /**
   * S3 deletes the version that is named or nothing. A service that does not heed the condition, or refuses it, is
   * asked what is there right before. @returns whether no other version is there
   */
  async #removeVersion(path: VirtualPath, version: string): Promise<boolean> {
    const there = (await this.#head(path))?.ETag;
    if (there !== version) return there === undefined;
    try {
      await this.#delete(path, version);
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (error.code === "already-exists") return false;
      if (error.code === "not-found") return true;
      if (!isUnknownCondition(error.cause)) throw error;
      await this.#delete(path);
      return true;
    }
  }

  async #delete(path: VirtualPath, version?: string): Promise<void> {
    const input = { Bucket: this.#bucket, Key: this.#objectKey(path), IfMatch: version };
    try {
      await this.#client.send(new DeleteObjectCommand(input), this.#signal());
    } catch (error) {
      throw siteFailure(error);
    }
  }

  close(): void {
    this.#closing.abort();
    this.#client.destroy();
  }

  async #head(path: VirtualPath) {
    const input = { Bucket: this.#bucket, Key: this.#objectKey(path) };
    try {
      return await this.#client.send(new HeadObjectCommand(input), this.#signal());
    } catch (error) {
      const failure = siteFailure(error);
      if (failure.code === "not-found" && !isMissingBucket(error)) return undefined;
      throw failure;
    }
  }

  async #discard(path: VirtualPath, token: string): Promise<void> {
    try {
      await this.#uploads.discard({ Bucket: this.#bucket, Key: this.#objectKey(path) }, token);
    } catch (error) {
      throw siteFailure(error);
    }
  }

  #objectKey(path: VirtualPath): string {
    return [this.#prefix, path === rootPath ? "" : path.slice(1)].filter((part) => part !== "").join("/");
  }

  #signal() {
    return { abortSignal: this.#closing.signal };
  }
}

function entryOf(object: _Object, prefix: string): RemoteEntry {
  const name = (object.Key ?? "").slice(prefix.length);
  return { name, type: "file", bytes: object.Size ?? 0, modifiedAtMs: object.LastModified?.getTime() };
}

function clientOf({ user, password, region, endpoint, authorities, timeoutMs }: RemoteDestination): S3Client {
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    ...(authorities !== undefined && { httpsAgent: new HttpsAgent({ ca: authorities, keepAlive: true }) }),
  });
  return new S3Client({
    requestHandler,
    maxAttempts: limits.awsAttempts,
    // What other services than AWS's know of checksums differs.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(user !== undefined &&
      password !== undefined && { credentials: { accessKeyId: user, secretAccessKey: password } }),
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  });
}

async function gathered(content: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let length = 0;
  for await (const piece of content) {
    if (length + piece.length > bytes) throw new FileError("unavailable", "the file grew in this moment");
    whole.set(piece, length);
    length += piece.length;
  }
  if (length < bytes) throw new FileError("unavailable", "the file became shorter in this moment");
  return whole;
}

function isMissingBucket(error: unknown): boolean {
  return (error as { name?: unknown }).name === "NoSuchBucket";
}

function replaced(path: VirtualPath): FileError {
  return new FileError("integrity", `${path} was replaced at the destination`);
}
