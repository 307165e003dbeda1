/** Why a message did not arrive where it was sent. The message is one sentence without secrets. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /** False when the receiver refused for good, so that the same attempt cannot do better. */
  readonly retriable: boolean;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retriable: boolean; retryAfterMs?: number | undefined; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retriable = options.retriable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
