import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { nameOf, parentOf, rootPath, segmentsOf, type VirtualPath } from "../../../core/virtual-path.ts";
import type {
  RemoteContent,
  RemoteEntry,
  RemoteRename,
  RemoteSite,
  RemoteWrite,
  VersionPin,
} from "../../../ports/remote-site.ts";
import { connectionError } from "./deadline.ts";
import { httpFailure } from "./http-status.ts";
import { type HttpsAnswer, HttpsExchange } from "./https-exchange.ts";

/** A site that takes files by PUT and gives them by GET; it is asked when there is something to do. */
export function openHttpsSite(destination: RemoteDestination): RemoteSite {
  return new HttpsSite(destination);
}

interface ListedEntry {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly size?: unknown;
  readonly modified?: unknown;
}

interface ListedPage {
  readonly entries?: readonly ListedEntry[];
  readonly next?: unknown;
}

class HttpsSite implements RemoteSite {
  readonly appearance = "whole";
  readonly #exchange: HttpsExchange;
  readonly #places: Places;

  constructor(destination: RemoteDestination) {
    this.#exchange = new HttpsExchange(destination);
    this.#places = new Places(destination.address);
  }

  /** HTTP has no listing of its own; the one that is understood is that of Ferrygate's API. */
  async *list(folder: VirtualPath): AsyncGenerator<RemoteEntry, void, undefined> {
    let count = 0;
    for (let next: string | undefined = ""; next !== undefined; ) {
      const page: ListedPage = await this.#page(folder, next);
      count += page.entries?.length ?? 0;
      if (count > limits.remoteEntries) throw new FileError("too-large", `${folder} has too many entries`);
      yield* (page.entries ?? []).map(entryOf);
      next = typeof page.next === "string" ? page.next : undefined;
    }
  }

  async stat(path: VirtualPath): Promise<RemoteEntry | undefined> {
    const answer = await this.#ask({ method: "HEAD", target: this.#places.of(path) });
    if (answer.status === 404) return undefined;
    refuseUnlessGood(answer, path);
    const bytes = Number(answer.headers["content-length"] ?? Number.NaN);
    return { name: nameOf(path), type: "file", bytes, modifiedAtMs: instantOf(answer.headers["last-modified"]) };
  }

  /** RFC 9530 §4: the digest of the file itself, where the server knows it. */
  async digest(path: VirtualPath): Promise<string | undefined> {
    const headers = { "want-repr-digest": "sha-256=10" };
    const answer = await this.#ask({ method: "HEAD", target: this.#places.of(path), headers });
    const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(String(answer.headers["repr-digest"] ?? "")) ?? [];
    return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
  }

  /** RFC 9110 §13.1.5: what is gone on with comes only from the version that it was begun with. */
  async *read(path: VirtualPath, offset: number, pin?: VersionPin): AsyncGenerator<Uint8Array, void, undefined> {
    const headers = {
      ...(offset > 0 && { range: `bytes=${offset}-` }),
      ...(offset > 0 && pin?.version !== undefined && { "if-range": pin.version }),
    };
    const { status, content, ...answer } = await this.#exchange.ask({
      method: "GET",
      target: this.#places.of(path),
      headers,
    });
    try {
      if (status === 416) return;
      refuseUnlessGood({ status, ...answer }, path);
      const version = strongTag(answer.headers.etag);
      const isOther = pin?.version !== undefined && pin.version !== version;
      if (isOther) throw replaced(path);
      if (pin) pin.version = version;
      if (offset > 0 && status !== 206) throw new FileError("unavailable", "the destination sends whole files only");
      for await (const piece of content) yield piece;
      if (!content.complete) throw new FileError("unavailable", "the destination's answer is cut off");
    } catch (error) {
      throw connectionError(error);
    } finally {
      content.destroy();
    }
  }

  async write(path: VirtualPath, content: RemoteContent, options: RemoteWrite): Promise<void> {
    const { bytes, sha256, overwrite } = options;
    if (this.#places.needsFolders) await this.#makeFolders(parentOf(path));
    const headers = {
      "content-length": `${bytes}`,
      "content-type": "application/octet-stream",
      "repr-digest": `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:`,
      ...(!overwrite && { "if-none-match": "*" }),
    };
    const target = this.#places.of(path);
    const answer = await this.#exchange.text({ method: "PUT", target, headers, body: content(0, "send") });
    if (answer.status === 412 && !overwrite) {
      throw new FileError("already-exists", `${path} exists at the destination already`);
    }
    if (!this.#places.needsFolders) await this.#makeMissingFolders(answer, path);
    refuseUnlessGood(answer, path);
  }

  /** RFC 4918 §9.9, or the way of Ferrygate's API. */
  async rename(from: VirtualPath, to: VirtualPath, { overwrite, pin }: RemoteRename): Promise<void> {
    await this.#assertVersion(from, pin);
    if (this.#places.needsFolders) await this.#makeFolders(parentOf(to));
    const answer = await this.#ask(this.#places.renaming(from, to, overwrite));
    if (answer.status === 412 || answer.status === 409) {
      throw new FileError("already-exists", `${to} exists at the destination already`);
    }
    refuseUnlessGood(answer, from);
  }

  /** RFC 9110 §13.1.1: the version that is named or none. A server that does not heed that is asked right before. */
  async remove(path: VirtualPath, pin?: VersionPin): Promise<void> {
    await this.#assertVersion(path, pin);
    const headers = pin?.version === undefined ? {} : { "if-match": pin.version };
    const answer = await this.#ask({ method: "DELETE", target: this.#places.of(path), headers });
    if (answer.status === 412 && pin?.version !== undefined) throw replaced(path);
    if (answer.status !== 404) refuseUnlessGood(answer, path);
  }

  async #assertVersion(path: VirtualPath, pin: VersionPin | undefined): Promise<void> {
    if (pin?.version === undefined) return;
    const { status, headers } = await this.#ask({ method: "HEAD", target: this.#places.of(path) });
    if (status === 200 && strongTag(headers.etag) !== pin.version) throw replaced(path);
  }

  close(): void {
    this.#exchange.close();
  }

  async #page(folder: VirtualPath, after: string): Promise<ListedPage> {
    const answer = await this.#ask({ method: "GET", target: this.#places.listing(folder, after) });
    refuseUnlessGood(answer, folder);
    try {
      const page: ListedPage = JSON.parse(answer.text);
      if (Array.isArray(page.entries)) return page;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new FileError("unsupported", "the destination lists no folders");
  }

  /** Makes a folder and those above it, and answers whether one is new; those that are there stay as they are. */
  async #makeFolders(folder: VirtualPath): Promise<boolean> {
    let path = rootPath;
    let isAnyNew = false;
    for (const name of segmentsOf(folder)) {
      path = `${path === rootPath ? "" : path}/${name}` as VirtualPath;
      const { status } = await this.#ask(this.#places.makingFolder(path));
      isAnyNew ||= status === 201;
    }
    return isAnyNew;
  }

  /**
   * Most web servers have no folders, so those of WebDAV are made only after a refusal for want of one: 409, or 404
   * with some. The content has been read by then, and comes with the next try.
   */
  async #makeMissingFolders({ status }: Pick<HttpsAnswer, "status">, path: VirtualPath): Promise<void> {
    if (status !== 404 && status !== 409) return;
    if (!(await this.#makeFolders(parentOf(path)))) return;
    throw new FileError("unavailable", `the destination had no folder for ${path}: it is there now`);
  }

  #ask(request: Parameters<HttpsExchange["text"]>[0]) {
    return this.#exchange.text(request);
  }
}

/** How the server names files: by the path of the URL, or by a parameter of its query as Ferrygate's API does. */
class Places {
  readonly #base: string;
  readonly #query: { readonly target: string; readonly operations: string } | undefined;
  readonly #origin: string;

  constructor({ host, port, folder }: RemoteDestination["address"]) {
    const isFerrygate = /(?:^|\/)v1\/files$/.test(folder);
    this.#base = `${folder === "" ? "" : "/"}${encoded(folder)}`;
    this.#query = isFerrygate
      ? { target: `${this.#base}?path=`, operations: `${this.#base.replace(/files$/, "operations")}` }
      : undefined;
    this.#origin = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  of(path: VirtualPath): string {
    return this.#query ? this.#query.target + encodeURIComponent(path) : this.#base + encoded(path);
  }

  listing(folder: VirtualPath, after: string): string {
    const target = this.of(folder === rootPath ? rootPath : (`${folder}/` as VirtualPath));
    return after === "" || !this.#query ? target : `${target}&cursor=${encodeURIComponent(after)}`;
  }

  /** Whether every file needs its folder to be there before. */
  get needsFolders(): boolean {
    return this.#query !== undefined;
  }

  /** By Ferrygate's API, or RFC 4918 §9.3. */
  makingFolder(path: VirtualPath) {
    if (this.#query) return { method: "PUT", target: `${this.of(path)}%2F` };
    return { method: "MKCOL", target: `${this.of(path)}/` };
  }

  renaming(from: VirtualPath, to: VirtualPath, overwrite: boolean) {
    if (this.#query) {
      const body = JSON.stringify({ op: "rename", from, to, overwrite });
      const headers = { "content-type": "application/json" };
      return { method: "POST", target: this.#query.operations, headers, body };
    }
    const headers = { destination: this.#origin + this.of(to), overwrite: overwrite ? "T" : "F" };
    return { method: "MOVE", target: this.of(from), headers };
  }
}

function entryOf({ name, type, size, modified }: ListedEntry): RemoteEntry {
  const isFile = type === "file";
  return {
    name: String(name),
    type: isFile ? "file" : type === "directory" ? "directory" : "other",
    bytes: isFile ? Number(size) : 0,
    modifiedAtMs: instantOf(modified),
  };
}

function replaced(path: VirtualPath): FileError {
  return new FileError("integrity", `${path} was replaced at the destination`);
}

/** Weak ones may stand for versions whose bytes differ. */
function strongTag(tag: string | undefined): string | undefined {
  return tag?.startsWith('"') ? tag : undefined;
}

function instantOf(time: unknown): number | undefined {
  const instantMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(instantMs) ? undefined : instantMs;
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function refuseUnlessGood(
  answer: Pick<HttpsAnswer, "status" | "headers"> & { readonly text?: string },
  path: VirtualPath,
) {
  if (answer.status < 200 || answer.status >= 300) throw httpFailure(answer, path, Date.now());
}
