import { randomUUID } from "node:crypto";
import {
  type ConnectorFileTransferResult,
  ListFileTransferResultsCommand,
  StartDirectoryListingCommand,
  StartFileTransferCommand,
  StartRemoteDeleteCommand,
  StartRemoteMoveCommand,
  type TransferClient,
} from "@aws-sdk/client-transfer";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import { childPath, nameOf, parentOf, parseVirtualPath, rootPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { RemoteContent, RemoteEntry, RemoteSite, RemoteWrite } from "../../ports/remote-site.ts";
import { connectorStagingPrefix as stagingPrefix } from "./env.ts";
import { openS3Site } from "./s3-site.ts";

export interface TransferConnectorOptions {
  readonly client: TransferClient;
  readonly connectorId: string;
  /** Folder of the remote site below which all paths lie, `/outgoing`; `/` for all of it. */
  readonly folder: VirtualPath;
  /** Where content rests on its way, and its place as the connector's role sees it: `/BUCKET/PREFIX`. */
  readonly staging: RemoteSite;
  readonly stagingPath: string;
  readonly pollMs?: number | undefined;
}

/**
 * A remote SFTP server behind a connector of AWS Transfer Family, which reaches it from fixed addresses of AWS. The
 * connector works with objects in S3 and tells the end of a transfer when it is asked, so content goes through a
 * staging place and everything takes seconds. It makes no folders at the remote site, resumes nothing, and takes files
 * of up to 150 GB.
 */
export function createTransferConnector(options: TransferConnectorOptions): RemoteSite {
  return new TransferConnector(options);
}

/** Reaches the connectors that destinations name, by way of the bucket of the files. */
export function openConnectorIn(
  bucket: string,
  client: TransferClient,
): (destination: RemoteDestination) => RemoteSite {
  return ({ address, ...destination }) =>
    createTransferConnector({
      client,
      connectorId: address.host,
      folder: address.folder === "" ? rootPath : parseVirtualPath(`/${address.folder}`),
      staging: openS3Site({ ...destination, address: { ...address, kind: "s3", host: bucket, folder: stagingPrefix } }),
      stagingPath: `/${bucket}/${stagingPrefix}`,
    });
}

class TransferConnector implements RemoteSite {
  // A connector cannot go on behind what is there, so a write that was cut off begins anew.
  readonly appearance = "whole";
  readonly #options: TransferConnectorOptions;
  readonly #closing = new AbortController();

  constructor(options: TransferConnectorOptions) {
    this.#options = options;
  }

  async *list(folder: VirtualPath): AsyncGenerator<RemoteEntry, void, undefined> {
    const staged = newFolder();
    const { OutputFileName = "" } = await this.#call((signal) =>
      this.#options.client.send(
        new StartDirectoryListingCommand({
          ConnectorId: this.#options.connectorId,
          RemoteDirectoryPath: this.#remotePath(folder),
          MaxItems: limits.connectorListingEntries,
          OutputDirectoryPath: this.#stagedPath(staged),
        }),
        signal,
      ),
    );
    const file = childPath(staged, OutputFileName);
    await this.#until(() => this.#options.staging.stat(file), limits.connectorCommandMs);
    const listing = listingOf(await textOf(this.#options.staging.read(file, 0)), folder);
    await this.#options.staging.remove(file);
    yield* listing;
  }

  async stat(path: VirtualPath): Promise<RemoteEntry | undefined> {
    if (path === rootPath) return { name: "", type: "directory", bytes: 0, modifiedAtMs: undefined };
    for await (const entry of this.list(parentOf(path))) if (entry.name === nameOf(path)) return entry;
    return undefined;
  }

  async digest(): Promise<undefined> {
    return undefined;
  }

  async *read(path: VirtualPath, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    const staged = newFolder();
    const file = childPath(staged, nameOf(path));
    await this.#transfer({ RetrieveFilePaths: [this.#remotePath(path)], LocalDirectoryPath: this.#stagedPath(staged) });
    try {
      yield* this.#options.staging.read(file, offset);
    } finally {
      await this.#options.staging.remove(file).catch(() => {});
    }
  }

  async write(path: VirtualPath, content: RemoteContent, options: RemoteWrite): Promise<void> {
    if (!options.overwrite && (await this.stat(path))) {
      throw new FileError("already-exists", `${path} exists at the destination already`);
    }
    const file = childPath(newFolder(), nameOf(path));
    const { staging } = this.#options;
    const { signal } = this.#closing;
    const staged: RemoteContent = (offset, purpose) => untilAborted(content(offset, purpose), signal);
    // What is staged has another name each time, so there is nothing to go on with.
    await this.#call(() => staging.write(file, staged, { ...options, continuation: undefined }));
    try {
      const RemoteDirectoryPath = this.#remotePath(parentOf(path));
      await this.#transfer({ SendFilePaths: [this.#stagedPath(file)], RemoteDirectoryPath });
    } finally {
      // What cannot be removed goes when the bucket's life cycle says so.
      await staging.remove(file).catch(() => {});
    }
  }

  /** The connector says nothing about the end of a move, so the two names are looked at. */
  async rename(from: VirtualPath, to: VirtualPath, { overwrite }: { readonly overwrite: boolean }): Promise<void> {
    if (!(await this.stat(from))) throw new FileError("not-found", `${from} is not at the destination`);
    if (await this.stat(to)) {
      if (!overwrite) throw new FileError("already-exists", `${to} exists at the destination already`);
      await this.remove(to);
    }
    const [SourcePath, TargetPath] = [this.#remotePath(from), this.#remotePath(to)];
    const { client, connectorId: ConnectorId } = this.#options;
    await this.#call((signal) =>
      client.send(new StartRemoteMoveCommand({ ConnectorId, SourcePath, TargetPath }), signal),
    );
    await this.#until(() => this.stat(to), limits.connectorCommandMs);
  }

  async remove(path: VirtualPath): Promise<void> {
    if (!(await this.stat(path))) return;
    const { client, connectorId: ConnectorId } = this.#options;
    const DeletePath = this.#remotePath(path);
    await this.#call((signal) => client.send(new StartRemoteDeleteCommand({ ConnectorId, DeletePath }), signal));
    await this.#until(async () => ((await this.stat(path)) ? undefined : "gone"), limits.connectorCommandMs);
  }

  close(): void {
    this.#closing.abort();
    this.#options.staging.close();
  }

  /** Resolves when the connector says that the file has arrived. */
  async #transfer(files: Omit<StartFileTransferCommand["input"], "ConnectorId">): Promise<void> {
    const { client, connectorId: ConnectorId } = this.#options;
    const { TransferId } = await this.#call((signal) =>
      client.send(new StartFileTransferCommand({ ConnectorId, ...files }), signal),
    );
    const result = await this.#until(async () => {
      const command = new ListFileTransferResultsCommand({ ConnectorId, TransferId });
      const { FileTransferResults = [] } = await this.#call((signal) => client.send(command, signal));
      return FileTransferResults.find(({ StatusCode }) => StatusCode === "COMPLETED" || StatusCode === "FAILED");
    }, limits.connectorTransferMs);
    if (result.StatusCode === "FAILED") throw transferFailure(result);
  }

  /** What `look` answers first that is not undefined. @throws FileError `unavailable` when that takes too long */
  async #until<T>(look: () => Promise<T | undefined>, longestMs: number): Promise<T> {
    const { pollMs = limits.connectorPollMs } = this.#options;
    const endsAtMs = performance.now() + longestMs;
    while (performance.now() < endsAtMs) {
      const found = await this.#call(look);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    throw new FileError("unavailable", "the connector did not come to an end in time");
  }

  async #call<T>(work: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      if (this.#closing.signal.aborted) throw new FileError("unavailable", "the connection was closed");
      return await work({ abortSignal: this.#closing.signal });
    } catch (error) {
      throw fileError(error);
    }
  }

  #remotePath(path: VirtualPath): string {
    const { folder } = this.#options;
    if (path === rootPath) return folder;
    return folder === rootPath ? path : `${folder}${path}`;
  }

  #stagedPath(path: VirtualPath): string {
    return `${this.#options.stagingPath}${path}`;
  }
}

function newFolder(): VirtualPath {
  return childPath(rootPath, randomUUID());
}

async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    if (signal.aborted) throw new FileError("unavailable", "the connection was closed");
    yield piece;
  }
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** What a connector writes about a folder. */
interface Listing {
  readonly files?: readonly {
    readonly filePath: string;
    readonly modifiedTimestamp?: string;
    readonly size?: number;
  }[];
  readonly paths?: readonly { readonly path: string }[];
  readonly truncated?: boolean | string;
}

function listingOf(text: string, folder: VirtualPath): readonly RemoteEntry[] {
  const { files = [], paths = [], truncated }: Listing = JSON.parse(text);
  if (String(truncated) === "true") throw new FileError("too-large", `${folder} has too many entries`);
  return [
    ...files.map(({ filePath, modifiedTimestamp = "", size = 0 }): RemoteEntry => {
      const modifiedAtMs = Date.parse(modifiedTimestamp);
      return {
        name: lastName(filePath),
        type: "file",
        bytes: size,
        modifiedAtMs: Number.isNaN(modifiedAtMs) ? undefined : modifiedAtMs,
      };
    }),
    ...paths.map(({ path }): RemoteEntry => {
      return { name: lastName(path), type: "directory", bytes: 0, modifiedAtMs: undefined };
    }),
  ];
}

function lastName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** The codes are not a closed list, so words in them decide; what is not understood may pass. */
function transferFailure({ FailureCode = "", FailureMessage = "" }: ConnectorFileTransferResult): FileError {
  const said = `${FailureCode} ${FailureMessage}`;
  const message = `the connector failed: ${said
    .replace(/[\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, saidLength)}`;
  if (/not.?found|no.?such/i.test(said)) return new FileError("not-found", message);
  if (/auth|credential|denied|permission|host.?key/i.test(said)) return new FileError("permission-denied", message);
  return new FileError("unavailable", message);
}

const saidLength = 300;

function fileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  const { name } = error as { name?: unknown };
  if (name === "AccessDeniedException") {
    return new FileError("permission-denied", "the connector may not be used", { cause: error });
  }
  return new FileError("unavailable", "the connector cannot be used at the moment", { cause: error });
}
