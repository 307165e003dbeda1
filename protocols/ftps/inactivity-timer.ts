/** Calls `expire` once nothing has touched it for `afterMs`. */
export class InactivityTimer {
  readonly #timer: NodeJS.Timeout;

  constructor(afterMs: number, expire: () => void) {
    this.#timer = setTimeout(expire, afterMs);
  }

  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
