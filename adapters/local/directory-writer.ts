import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { PublishOptions, ReopenedWriter, StoredEntry } from "../../ports/object-store.ts";
import { lookUp } from "./directory-calls.ts";
import type { OpenFile } from "./directory-file.ts";

/** A file that no client can see, on the file system of those that clients see. */
export interface Staged {
  readonly file: OpenFile;
  readonly path: string;
}

/** Gives a staged file its name in the tree. @throws FileError when the name is taken or the conditions do not hold. */
export type PutInPlace = (staged: Staged, options: PublishOptions) => Promise<StoredEntry>;

/** What becomes of a staged file. */
export interface StagedFileEnds {
  readonly putInPlace: PutInPlace;
  /** Gives it the name of one that is kept; answers how many of its bytes. */
  readonly setAside: (staged: Staged) => Promise<number>;
}

/** An upload into a staged file. Its calls run one after the other, so that `abort` may come at any time. */
export class DirectoryWriter implements ReopenedWriter {
  readonly #staged: Staged;
  readonly #ends: StagedFileEnds;
  #size: number;
  #bytesSinceWriteback = 0;
  #writeback: Promise<void> = Promise.resolve();
  #hasEnded = false;
  #failure: { readonly reason: unknown } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `size` is how much of the file is there already. */
  constructor(staged: Staged, ends: StagedFileEnds, size = 0) {
    this.#staged = staged;
    this.#ends = ends;
    this.#size = size;
  }

  cut(bytes: number): Promise<void> {
    return this.#inTurn(() =>
      this.#attempt(async () => {
        await this.#staged.file.cut(bytes);
        this.#size = bytes;
      }),
    );
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#attempt(() => this.#write(chunk)));
  }

  flush(): Promise<void> {
    return this.#inTurn(() => this.#attempt(() => this.#sync()));
  }

  publish(options: PublishOptions): Promise<StoredEntry> {
    return this.#inTurn(async () => {
      await this.#attempt(() => this.#settleContent(options.modifiedAtMs));
      const entry = await this.#ends.putInPlace(this.#staged, options).catch(async (error: unknown) => {
        // The file that clients see must not be emptied by the abort that follows.
        if (!(await this.#isStaged())) await this.#end();
        throw error;
      });
      await this.#end();
      return entry;
    });
  }

  keep(): Promise<number> {
    return this.#inTurn(async () => {
      if (this.#hasEnded) return 0;
      try {
        // What did not reach the disk once may be missing, whatever it says later.
        const isOnDisk = await this.#attempt(() => this.#sync()).then(
          () => true,
          () => false,
        );
        return isOnDisk ? await this.#ends.setAside(this.#staged) : 0;
      } finally {
        await this.#end();
      }
    });
  }

  /** Empties the staged file and leaves its name, by which the store knows that it was not published. */
  abort(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#hasEnded) return;
      await this.#staged.file.cut(0);
      await this.#end();
    });
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#size + chunk.length > limits.fileBytes) throw new FileError("too-large", "the file is too large");
    await this.#staged.file.write(chunk, this.#size);
    this.#size += chunk.length;
    this.#bytesSinceWriteback += chunk.length;
    if (this.#bytesSinceWriteback >= limits.writebackBytes) await this.#startWriteback();
  }

  /**
   * Sends content to disk while more arrives, so that publishing a large file does not wait for all of it; and an
   * upload that is faster than the disk waits for it.
   */
  async #startWriteback(): Promise<void> {
    await this.#writeback;
    this.#bytesSinceWriteback = 0;
    this.#writeback = this.#staged.file.sync().catch((reason: unknown) => {
      this.#failure ??= { reason };
    });
  }

  async #settleContent(modifiedAtMs: number | undefined): Promise<void> {
    if (modifiedAtMs !== undefined) await this.#staged.file.setModified(modifiedAtMs);
    await this.#sync();
  }

  /** The system tells of bytes that it lost once only, so what the writeback heard counts too. */
  async #sync(): Promise<void> {
    await this.#writeback;
    this.#throwFailure();
    await this.#staged.file.sync();
  }

  /** False when the file has a name in the tree, whatever a call said that failed. */
  async #isStaged(): Promise<boolean> {
    return this.#staged.file.stats().nlink === 1n && (await lookUp(this.#staged.path)) !== undefined;
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    await this.#staged.file.close();
  }

  /** What failed to reach the disk stays lost, whatever a repetition says: such an upload cannot be published. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    if (this.#hasEnded) throw new FileError("invalid-argument", "the upload has ended");
    this.#throwFailure();
    try {
      await step();
    } catch (reason) {
      this.#failure ??= { reason };
      throw reason;
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.reason;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => {});
    return done;
  }
}
