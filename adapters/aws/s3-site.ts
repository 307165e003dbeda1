import { Agent as HttpsAgent } from "node:https";
import type { Readable } from "node:stream";
import {
  type _Object,
  CopyObjectCommand,
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
  RemoteSite,
  RemoteWrite,
  UnfinishedWrites,
  VersionPin,
} from "../../ports/remote-site.ts";
import { siteFailure } from "./s3-site-errors.ts";
import { S3SiteUploads, smallestPartBytes } from "./s3-site-uploads.ts";

/** A bucket, or the objects below a prefix of it; it is asked when there is something to do. */
export function openS3Site(destination: RemoteDestination): RemoteSite {
  return new S3Site(destination);
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
  readonly #closing = new AbortController();

  constructor(destination: RemoteDestination) {
    this.#client = clientOf(destination);
    this.#uploads = new S3SiteUploads(this.#client, this.#closing.signal);
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
      if (name === "PreconditionFailed") throw new FileError("integrity", `${path} was replaced at the destination`);
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
  async rename(from: VirtualPath, to: VirtualPath, { overwrite }: { readonly overwrite: boolean }): Promise<void> {
    if (!overwrite && (await this.stat(to))) {
      throw new FileError("already-exists", `${to} exists at the destination already`);
    }
    const version = (await this.#head(from))?.ETag;
    if (version === undefined) throw new FileError("not-found", `${from} is not at the destination`);
    const input = {
      Bucket: this.#bucket,
      Key: this.#objectKey(to),
      CopySource: [this.#bucket, ...this.#objectKey(from).split("/")].map(encodeURIComponent).join("/"),
      CopySourceIfMatch: version,
    };
    const copy = (condition: { readonly IfNoneMatch?: "*" }) =>
      this.#client.send(new CopyObjectCommand({ ...input, ...condition }), this.#signal());
    try {
      await copy(overwrite ? {} : { IfNoneMatch: "*" }).catch((error: unknown) => {
        if (!isUnknownCondition(error)) throw error;
        return copy({});
      });
    } catch (error) {
      throw siteFailure(error, to);
    }
    await this.#removeVersion(from, version);
  }

  async #removeVersion(path: VirtualPath, version: string): Promise<void> {
    if ((await this.#head(path))?.ETag !== version) return;
    const input = { Bucket: this.#bucket, Key: this.#objectKey(path), IfMatch: version };
    try {
      await this.#client.send(new DeleteObjectCommand(input), this.#signal());
    } catch (error) {
      const { code } = siteFailure(error);
      if (code === "already-exists" || code === "not-found") return;
      if (!isUnknownCondition(error)) throw siteFailure(error);
      await this.remove(path);
    }
  }

  async remove(path: VirtualPath): Promise<void> {
    const input = { Bucket: this.#bucket, Key: this.#objectKey(path) };
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

/** Conditions of copies and deletions are new: other services than AWS's may refuse them. */
function isUnknownCondition(error: unknown): boolean {
  const { name = "", $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === "NotImplemented" || $metadata?.httpStatusCode === 501;
}
