import type { Account, Role } from "../../core/account.ts";
import type { AccountingEvent, EventType, TerminateCause } from "../../core/accounting-event.ts";
import type { Scope } from "../../core/api-token.ts";
import type { Credential } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Capacity, EntryPage, MoveOptions, ObjectReader, StoredEntry } from "../../ports/object-store.ts";
import { Access, provisionFolders } from "./access.ts";
import { authenticate, loginEvent, publicKeyRefusal, recordedName, tooManyRefused } from "./authenticate.ts";
import type { Connection, ResumedSession } from "./connection.ts";
import { Download } from "./download.ts";
import { Entries } from "./entries.ts";
import { type FolderSource, Listing, type PageOptions, pageOf, pagesOf } from "./listing.ts";
import { needsEntry, type OpenWriter, openUpload } from "./open-upload.ts";
import { type EventContent, Recorder, sessionEndId } from "./recorder.ts";
import { type OwnUploads, ownUploads } from "./resumable-uploads.ts";
import { moveAdmitted } from "./scanned-rename.ts";
import type { SessionServices } from "./services.ts";
import type { SessionRegistry } from "./session-registry.ts";
import { movement, type Target, TransferRecord, type TransferSubject } from "./transfer.ts";
import type { Upload, UploadOptions } from "./upload.ts";

/**
 * One client on one connection: `authenticate`, any number of file operations, `end`. Every operation passes
 * `Access`, the one place where permissions are checked and paths are read.
 */
export class Session {
  readonly id: string;
  readonly #services: SessionServices;
  readonly #registry: SessionRegistry;
  readonly #connection: Connection;
  readonly #recorder: Recorder;
  readonly #startedAtMs: number;
  readonly #transfers = new Set<Upload | Download>();
  /** Where it is given, the session's start and end are on record elsewhere. */
  readonly #resumed: ResumedSession | undefined;
  #access: Access | undefined;
  #end: Promise<void> | undefined;

  constructor(
    services: SessionServices,
    registry: SessionRegistry,
    connection: Connection,
    resumed: ResumedSession | undefined,
  ) {
    this.id = resumed?.sessionId ?? services.runtime.newId();
    this.#services = services;
    this.#registry = registry;
    this.#connection = connection;
    this.#startedAtMs = resumed?.startedAtMs ?? services.runtime.now();
    this.#resumed = resumed;
    this.#recorder = new Recorder(services, { protocol: connection.protocol, session: this.id, peer: connection.peer });
    registry.add(this);
    if (resumed) this.#login(resumed.account);
    else this.#recordStart(connection);
  }

  #recordStart({ peer, clientVersion }: Connection): void {
    this.#recorder
      .record({ type: "session.started", message: `session from ${peer.address} started`, data: { clientVersion } })
      .catch((error: unknown) => this.#logFailure("session start not recorded", error));
  }

  get account(): Account | undefined {
    return this.#access?.account;
  }

  get peer(): Connection["peer"] {
    return this.#connection.peer;
  }

  /** Over HTTP a session is a request: over soon, and bounded in number by the connections. */
  get isOneRequest(): boolean {
    return this.#connection.protocol === "https";
  }

  /** Why this key would be refused even if proven; undefined when it would be accepted. Leaves no trace here. */
  publicKeyRefusal(username: string, blob: string): Promise<string | undefined> {
    return publicKeyRefusal(this.#services, { username, blob }, this.#connection);
  }

  /** Puts on record, as one refused login, that the client offered keys, all of them in vain, and tried no more. */
  async recordRefusedKeys(username: string, reason: string): Promise<void> {
    const name = recordedName(username);
    this.#recorder.account = { name, groups: [] };
    await this.#recorder.record(loginEvent("public-key", name, { reason }));
    this.#recorder.account = undefined;
  }

  /** Checks a credential; success and failure are both on record when it ends. @throws FileError `unavailable`. */
  async authenticate(credential: Credential): Promise<boolean> {
    this.#assertOpen();
    if (this.#access) throw new FileError("invalid-argument", "the session is authenticated already");
    const result = await authenticate(this.#services, credential, this.#connection);
    const username = recordedName(credential.username);
    this.#recorder.account = { name: username, groups: result.account?.groups.map(({ name }) => name) ?? [] };
    const isFull = result.ok && this.#registry.countOf(result.account.name) >= limits.sessionsPerAccount;
    const tooMany = isFull && !this.isOneRequest;
    const reason = result.ok ? (tooMany ? "too-many-sessions" : undefined) : result.reason;
    const details = result.ok ? undefined : result.details;
    await this.#recorder.record(loginEvent(credential.kind, username, { reason, details }));
    if (!result.ok || tooMany) this.#recorder.account = undefined;
    if (tooMany) throw new FileError("unavailable", "the account has too many sessions at the same time");
    if (reason === tooManyRefused) throw new FileError("unavailable", "too many logins from this address were refused");
    if (!result.ok) return false;
    await provisionFolders(this.#services.objects, this.#accessOf(result.account));
    this.#login(result.account);
    return true;
  }

  #login(account: Account): void {
    this.#recorder.account = { name: account.name, groups: account.groups.map(({ name }) => name) };
    this.#access = this.#accessOf(account);
  }

  #accessOf(account: Account): Access {
    return new Access(account, this.#recorder, this.#resumed?.scopes);
  }

  /** Whether what the session was resumed with is still good. */
  async isGranted(): Promise<boolean> {
    return (await this.#resumed?.isGranted?.()) ?? true;
  }

  /** Puts a changed account in force for the operations to come. */
  refresh(account: Account): void {
    if (this.account !== account) this.#access = this.#accessOf(account);
  }

  /** Attributes of what is there, or kept of an own upload that broke off. @throws `not-found`, `permission-denied`. */
  async stat(rawPath: string): Promise<StoredEntry> {
    const access = this.#authenticated();
    const { target, fullView } = await access.authorizeView("stat", rawPath);
    const entry = (await this.#entries().at(target)) ?? (await this.#resumable?.entryAt(target.objectKey));
    if (fullView.effect === "deny" && entry?.type !== "directory") await access.refuse("stat", target.path, fullView);
    if (!entry) throw new FileError("not-found", `${target.path} does not exist`);
    return entry;
  }

  /** Opens a folder for reading. @throws FileError `not-found`, `not-a-directory`, `permission-denied`. */
  async list(rawPath: string): Promise<Listing> {
    const { source, onlyFolders } = await this.#openFolder(rawPath, { limit: limits.listingPageEntries });
    return new Listing(pagesOf(source, onlyFolders));
  }

  /**
   * At most `limit` entries of a folder behind the position `after`, in the order of the store; `next` is the `after`
   * of the next page. @throws FileError as `list`.
   */
  async listPage(rawPath: string, options: PageOptions): Promise<EntryPage> {
    const { source, onlyFolders } = await this.#openFolder(rawPath, options);
    return pageOf(source, onlyFolders, options);
  }

  async #openFolder(rawPath: string, options: PageOptions): Promise<{ source: FolderSource; onlyFolders: boolean }> {
    const access = this.#authenticated();
    const { target, fullView } = await access.authorizeView("list", rawPath);
    const { objects } = this.#services;
    const isVirtual = access.folders.isVirtualRoot(target.path);
    const isThere = !isVirtual || (await objects.stat(target.objectKey)) !== undefined;
    const first = isThere ? await objects.list(target.objectKey, options) : undefined;
    await this.#record("directory.listed", `${target.path} listed`, { path: target.path, objectKey: target.objectKey });
    return { source: { objects, folders: access.folders, target, first }, onlyFolders: fullView.effect === "deny" };
  }

  /** Opens a file for reading. @throws FileError `not-found`, `not-a-file`, `permission-denied`. */
  async download(rawPath: string): Promise<Download> {
    const { target, reader } = await this.#openFile(rawPath);
    return this.transferOut(target, reader);
  }

  /** As `download`, when what is there is `wanted`; otherwise nothing is transferred, nor on record. */
  async downloadIf(rawPath: string, wanted: (entry: StoredEntry) => boolean): Promise<Download | undefined> {
    const { target, reader } = await this.#openFile(rawPath);
    if (wanted(reader.entry)) return this.transferOut(target, reader);
    await reader.close();
    return undefined;
  }

  /** Sends what whoever opened it lets the account read. */
  transferOut(subject: Omit<TransferSubject, "direction">, reader: ObjectReader): Download {
    const record = new TransferRecord(this.#services, this.#recorder, { ...subject, direction: "download" });
    record.start();
    return this.#track(new Download(reader, record, (ended) => this.#transfers.delete(ended)));
  }

  /**
   * Opens a file to look at its content here, for a checksum: nothing is transferred, so no transfer is on record. The
   * caller closes it. @throws FileError `not-found`, `not-a-file`, `permission-denied`.
   */
  async inspect(rawPath: string): Promise<ObjectReader> {
    const { reader } = await this.#openFile(rawPath);
    return reader;
  }

  async #openFile(rawPath: string): Promise<{ target: Target; reader: ObjectReader }> {
    const target = await this.#authenticated().authorize("read", rawPath);
    this.#assertRoomForTransfer();
    this.#entries().assertNotVirtual(target.path, "not-a-file");
    return { target, reader: await this.#services.objects.openRead(target.objectKey) };
  }

  /** Where an upload would go: looks at what `upload` looks at and changes nothing. @throws as `upload`. */
  async mayUpload(rawPath: string, options: UploadOptions): Promise<Target> {
    return (await this.#uploadTarget(rawPath, options, () => true)).target;
  }

  /** What is at the target only where somebody needs it: who replaces whatever is there does not. */
  async #uploadTarget(rawPath: string, options: UploadOptions, isLookedAt: (target: Target) => boolean) {
    const target = await this.#authenticated().authorize("write", rawPath);
    this.#assertRoomForTransfer();
    this.#entries().assertNotVirtual(target.path, "not-a-file");
    const [entry] = await Promise.all([
      isLookedAt(target) ? this.#services.objects.stat(target.objectKey) : undefined,
      this.#entries().assertParentExists(target.path),
    ]);
    if (entry?.type === "directory") throw new FileError("not-a-file", `${target.path} is a folder`);
    if (entry && options.mode === "create") throw new FileError("already-exists", `${target.path} exists`);
    if (!entry && options.mustExist && !(await this.#resumable?.entryAt(target.objectKey)))
      throw new FileError("not-found", `${target.path} does not exist`);
    if (options.replacesEtag !== undefined && options.replacesEtag !== entry?.etag) {
      throw new FileError("precondition-failed", `${target.path} is not the version that was named`);
    }
    return { target, entry };
  }

  /**
   * Starts an upload. `open` gives another writer than the store's own for the transferId.
   * @throws FileError `not-found` (no such folder), `already-exists`, `permission-denied`.
   */
  async upload(rawPath: string, options: UploadOptions, open?: OpenWriter): Promise<Upload> {
    const { account } = this.#authenticated();
    const isLookedAt = ({ path }: Target) =>
      open !== undefined || needsEntry(this.#services, { account, path }, options);
    const { target, entry } = await this.#uploadTarget(rawPath, options, isLookedAt);
    const ended = (upload: Upload) => this.#transfers.delete(upload);
    const own = { recorder: this.#recorder, account, ended, open, resumable: this.#resumable?.uploads };
    return this.#track(await openUpload(this.#services, { ...own, subject: target, entry }, options));
  }

  /** Makes one folder. @throws FileError `already-exists`, `not-found` (no parent), `permission-denied`. */
  async makeDirectory(rawPath: string): Promise<void> {
    const target = await this.#authenticated().authorize("create-folder", rawPath);
    this.#entries().assertNotVirtual(target.path, "already-exists");
    await this.#entries().assertParentExists(target.path);
    await this.#services.objects.createDirectory(target.objectKey);
    await this.#record("directory.created", `${target.path} created`, { ...target });
  }

  /** Deletes one file. @throws FileError `not-found`, `not-a-file`, `permission-denied`. */
  async removeFile(rawPath: string): Promise<void> {
    const target = await this.#authenticated().authorize("delete-file", rawPath);
    this.#entries().assertNotVirtual(target.path, "not-a-file");
    await this.#services.objects.remove(target.objectKey, "file");
    await this.#record("file.deleted", `${target.path} deleted`, { ...target });
  }

  /** Deletes one empty folder. @throws FileError `directory-not-empty`, `not-found`, `permission-denied`. */
  async removeDirectory(rawPath: string): Promise<void> {
    const target = await this.#authenticated().authorize("delete-folder", rawPath);
    this.#entries().assertNotVirtual(target.path, "permission-denied");
    await this.#services.objects.remove(target.objectKey, "directory");
    await this.#record("directory.deleted", `${target.path} deleted`, { ...target });
  }

  /** Renames a file or folder; needs `allow-rename` at both ends. @throws FileError `not-found`, `already-exists`. */
  async rename(rawFrom: string, rawTo: string, options: MoveOptions): Promise<void> {
    const from = await this.#authenticated().authorize("rename", rawFrom);
    const to = await this.#authenticated().authorize("rename", rawTo);
    this.#entries().assertNotVirtual(from.path, "permission-denied");
    this.#entries().assertNotVirtual(to.path, "already-exists");
    await this.#entries().assertParentExists(to.path);
    await moveAdmitted(this.#services, this.#authenticated(), { from, to }, (admits) =>
      this.#services.objects.move(from.objectKey, to.objectKey, { ...options, admits }),
    );
    await this.#record("file.renamed", `${from.path} renamed to ${to.path}`, movement(from, to));
  }

  /** Copies a file inside the store; needs `allow-read` at the source and `allow-write` at the target. */
  async copy(rawFrom: string, rawTo: string, options: MoveOptions): Promise<StoredEntry> {
    const from = await this.#authenticated().authorize("read", rawFrom);
    const to = await this.#authenticated().authorize("write", rawTo);
    this.#entries().assertNotVirtual(from.path, "not-a-file");
    this.#entries().assertNotVirtual(to.path, "already-exists");
    await this.#entries().assertParentExists(to.path);
    const entry = await moveAdmitted(this.#services, this.#authenticated(), { from, to }, (admits) =>
      this.#services.objects.copy(from.objectKey, to.objectKey, { ...options, admits }),
    );
    const data = { ...movement(from, to), bytes: entry.size };
    await this.#record("file.copied", `${from.path} copied to ${to.path}`, data);
    return entry;
  }

  /** Sets the modification time. @throws FileError `not-found`, `permission-denied`. */
  async setModified(rawPath: string, modifiedAtMs: number): Promise<void> {
    const target = await this.#authenticated().authorize("set-attributes", rawPath);
    this.#entries().assertNotVirtual(target.path, "permission-denied");
    await this.#services.objects.setModified(target.objectKey, modifiedAtMs);
    const modified = new Date(modifiedAtMs).toISOString();
    await this.#record("attributes.changed", `modification time of ${target.path} set`, { ...target, modified });
  }

  /** For attributes that the store does not keep: asks for the permission to set them. @throws as `setModified`. */
  async acceptAttributes(rawPath: string): Promise<void> {
    const target = await this.#authenticated().authorize("set-attributes", rawPath);
    if (!(await this.#entries().at(target))) throw new FileError("not-found", `${target.path} does not exist`);
  }

  /** Space in the store; undefined where it has no end. Asks for `stat` on the path. */
  async capacity(rawPath: string): Promise<Capacity | undefined> {
    await this.#authenticated().authorizeView("stat", rawPath);
    return this.#services.objects.capacity?.();
  }

  /** Lets accounts with this role pass; a refusal is on record. @throws FileError `permission-denied`. */
  async requireRole(role: Role, action: string): Promise<void> {
    await this.#authenticated().requireRole(role, action);
  }

  /** Lets all pass but API tokens without this scope; a refusal is on record. @throws as `requireRole`. */
  async requireScope(scope: Scope | undefined, action: string): Promise<void> {
    await this.#authenticated().requireScope(scope, action);
  }

  /** An event of this session, for a record that is made together with what it tells. */
  eventOf(content: EventContent): AccountingEvent {
    return this.#recorder.compose(content);
  }

  /** Ends the session from the server's side: the protocol closes the connection. */
  async disconnect(cause: TerminateCause, reason: string): Promise<void> {
    const ended = this.end(cause);
    this.#connection.disconnect(reason);
    await ended;
  }

  /** Leaves the session to whoever holds its token: this object is done with it, and no end is on record. */
  async release(): Promise<void> {
    this.#end ??= Promise.resolve();
    this.#registry.delete(this);
    await this.#end;
  }

  /** Interrupts what is open and puts the end on record, once. */
  end(cause: TerminateCause): Promise<void> {
    this.#end ??= this.#finish(cause);
    return this.#end;
  }

  async #finish(cause: TerminateCause): Promise<void> {
    const ends = [...this.#transfers].map((transfer) => transfer.interrupt(`the session ended: ${cause}`));
    for (const result of await Promise.allSettled(ends)) {
      if (result.status === "rejected") this.#logFailure("transfer end not recorded", result.reason);
    }
    this.#registry.delete(this);
    if (this.#resumed) return;
    const durationMs = Math.max(0, this.#services.runtime.now() - this.#startedAtMs);
    const message = `session ended: ${cause}`;
    await this.#recorder
      .record({ type: "session.ended", id: sessionEndId(this.id), message, data: { cause, durationMs } })
      .catch((error: unknown) => this.#logFailure("session end not recorded", error));
  }

  #authenticated(): Access {
    this.#assertOpen();
    if (!this.#access) throw new FileError("permission-denied", "log in first");
    return this.#access;
  }

  #entries(): Entries {
    return new Entries(this.#services.objects, this.#authenticated().folders);
  }

  get #resumable(): OwnUploads | undefined {
    return ownUploads(this.#services.resumable, this);
  }

  #assertOpen(): void {
    if (this.#end !== undefined) throw new FileError("unavailable", "the session has ended");
  }

  #assertRoomForTransfer(): void {
    if (this.#transfers.size < limits.handlesPerSession) return;
    throw new FileError("unavailable", `more than ${limits.handlesPerSession} files are open in this session`);
  }

  #track<T extends Upload | Download>(transfer: T): T {
    this.#transfers.add(transfer);
    return transfer;
  }

  #record(type: EventType, message: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#recorder.record({ type, message, data });
  }

  #logFailure(message: string, error: unknown): void {
    this.#services.runtime.log.error(message, { session: this.id, error: `${error}` });
  }
}
