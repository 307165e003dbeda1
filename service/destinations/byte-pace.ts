import type { Runtime } from "../../ports/runtime.ts";

const largestPieceBytes = 256 * 1024;
const smallestPieceBytes = 1024;
/** A piece takes about this part of a second, so that no connection looks idle. */
const piecesPerSecond = 8;

/** Lets bytes pass at most as fast as was said, whoever asks: transfers that share a limit share one of these. */
export class BytePace {
  readonly #runtime: Pick<Runtime, "now" | "every">;
  readonly #bytesPerSecond: number | undefined;
  /** When the next byte may pass. */
  #freeAtMs = 0;

  constructor(runtime: Pick<Runtime, "now" | "every">, bytesPerSecond: number | undefined) {
    this.#runtime = runtime;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** How much is best asked for at a time. */
  get pieceBytes(): number {
    if (this.#bytesPerSecond === undefined) return largestPieceBytes;
    const fitting = Math.ceil(this.#bytesPerSecond / piecesPerSecond);
    return Math.min(largestPieceBytes, Math.max(smallestPieceBytes, fitting));
  }

  /** Resolves when so many bytes may pass. */
  async take(bytes: number): Promise<void> {
    if (this.#bytesPerSecond === undefined) return;
    const nowMs = this.#runtime.now();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes / this.#bytesPerSecond) * 1000;
    if (startMs > nowMs) await this.#sleep(startMs - nowMs);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#runtime.every(Math.ceil(ms), () => {
        stop();
        resolve();
      });
    });
  }
}

/** The content in pieces that pass at that pace. @param passed is told of each piece */
export async function* paced(
  content: AsyncIterable<Uint8Array>,
  pace: BytePace,
  passed: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { pieceBytes } = pace;
  for await (const block of content) {
    for (let at = 0; at < block.length; at += pieceBytes) {
      const piece = block.subarray(at, at + pieceBytes);
      await pace.take(piece.length);
      passed(piece.length);
      yield piece;
    }
  }
}
