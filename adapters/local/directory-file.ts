import * as fs from "node:fs";
import { FileError } from "../../core/errors.ts";
import { call, openDescriptor } from "./directory-calls.ts";

const { O_CREAT, O_EXCL, O_RDWR } = fs.constants;
// What Windows does not know is zero there. Without O_NONBLOCK, opening a pipe would wait for its other end.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** Readable by the group that backs the files up, by nobody else. */
const fileMode = 0o640;

/** An open file. Calls may overlap; positions and lengths are bytes. */
export class OpenFile {
  readonly descriptor: number;
  #callsUnderWay = 0;
  #close: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Opens what has this path, whatever it is, for reading; a link is not followed. */
  static async open(path: string): Promise<OpenFile> {
    return new OpenFile(await openDescriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  /** Makes a new file. @throws FileError `already-exists`. */
  static async create(path: string): Promise<OpenFile> {
    return new OpenFile(await openDescriptor(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, fileMode));
  }

  /** Opens a file that this process made, for reading and writing. */
  static async reopen(path: string): Promise<OpenFile> {
    return new OpenFile(await openDescriptor(path, O_RDWR | O_NOFOLLOW));
  }

  /** Fills `target`; answers how many bytes there were, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number> {
    return this.#run(async (descriptor) => {
      let filled = 0;
      while (filled < target.length) {
        const count = await call<number>((done) =>
          fs.read(descriptor, target, filled, target.length - filled, position + filled, done),
        );
        if (count === 0) break;
        filled += count;
      }
      return filled;
    });
  }

  /** Writes all of `chunk`. */
  write(chunk: Uint8Array, position: number): Promise<void> {
    return this.#run(async (descriptor) => {
      for (let written = 0; written < chunk.length; ) {
        written += await call<number>((done) =>
          fs.write(descriptor, chunk, written, chunk.length - written, position + written, done),
        );
      }
    });
  }

  /** Attributes. An open file has them in memory, so asking does not wait for a disk. */
  stats(): fs.BigIntStats {
    this.#assertOpen();
    return fs.fstatSync(this.descriptor, { bigint: true });
  }

  setModified(modifiedAtMs: number): Promise<void> {
    const seconds = modifiedAtMs / 1000;
    return this.#run((descriptor) => call((done) => fs.futimes(descriptor, seconds, seconds, done)));
  }

  /** Takes away what lies behind so many bytes. */
  cut(bytes: number): Promise<void> {
    return this.#run((descriptor) => call((done) => fs.ftruncate(descriptor, bytes, done)));
  }

  /** The content, and what it takes to find it, survive a crash of the machine. */
  sync(): Promise<void> {
    return this.#run((descriptor) => call((done) => fs.fdatasync(descriptor, done)));
  }

  /** Waits for the calls under way: the descriptor's number may belong to another file right after. */
  close(): Promise<void> {
    if (!this.#close) {
      this.#close = Promise.withResolvers<void>();
      this.#closeWhenIdle();
    }
    return this.#close.promise;
  }

  async #run<T>(action: (descriptor: number) => Promise<T>): Promise<T> {
    this.#assertOpen();
    this.#callsUnderWay += 1;
    try {
      return await action(this.descriptor);
    } finally {
      this.#callsUnderWay -= 1;
      this.#closeWhenIdle();
    }
  }

  #assertOpen(): void {
    if (this.#close) throw new FileError("invalid-argument", "the file is closed");
  }

  #closeWhenIdle(): void {
    if (!this.#close || this.#callsUnderWay > 0) return;
    // Content that has to last was synced before, so this neither waits for a disk nor could tell of a failure.
    fs.closeSync(this.descriptor);
    this.#close.resolve();
  }
}
