import { FileError } from "../../core/errors.ts";
import type { ObjectReader, StoredEntry } from "../../ports/object-store.ts";
import type { TransferRecord } from "./transfer.ts";

/** One file on its way out, pinned to the version that was there at open. */
export class Download {
  readonly #reader: ObjectReader;
  readonly #record: TransferRecord;
  readonly #ended: (download: Download) => void;
  #sentBytes = 0;
  #end: Promise<void> | undefined;

  constructor(reader: ObjectReader, record: TransferRecord, ended: (download: Download) => void) {
    this.#reader = reader;
    this.#record = record;
    this.#ended = ended;
  }

  get transferId(): string {
    return this.#record.transferId;
  }

  get entry(): StoredEntry {
    return this.#reader.entry;
  }

  /** Fills `target` from `position`; fewer bytes than asked only at the end of the file, 0 past it. */
  async read(target: Uint8Array, position: number): Promise<number> {
    if (this.#end !== undefined) throw new FileError("invalid-argument", "the file is closed");
    const bytesRead = await this.#reader.read(target, position);
    this.#sentBytes += bytesRead;
    return bytesRead;
  }

  /** The client closed the file. Resolves when that is on record. */
  close(): Promise<void> {
    return this.#finish(() => this.#record.completed({ bytes: this.#sentBytes }));
  }

  /** The connection ended first. */
  abort(reason: string): Promise<void> {
    return this.#finish(() => this.#record.aborted(this.#sentBytes, reason));
  }

  /** As an upload has it; of a download nothing is kept. */
  interrupt(reason: string): Promise<void> {
    return this.abort(reason);
  }

  #finish(record: () => Promise<void>): Promise<void> {
    this.#end ??= this.#reader
      .close()
      .finally(() => this.#ended(this))
      .then(() => this.#record.started())
      .then(record);
    return this.#end;
  }
}
