/** What changes a file goes on side by side; what renames a folder goes on alone, within this process. */
export class FolderTurns {
  readonly #shared = new Set<Promise<unknown>>();
  /** Resolves when the last of those that go on alone has ended. */
  #alone: Promise<void> | undefined;

  /** Runs `action` while no folder is renamed. It must not ask for a turn itself. */
  async shared<T>(action: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const running = action();
    const ended = running.catch(() => {});
    this.#shared.add(ended);
    try {
      return await running;
    } finally {
      this.#shared.delete(ended);
    }
  }

  /** Runs `action` when everything that began before has ended, and lets nothing begin before it has. */
  async alone<T>(action: () => Promise<T>): Promise<T> {
    const earlier = this.#alone;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#alone = ended;
    try {
      await earlier;
      await Promise.all(this.#shared);
      return await action();
    } finally {
      if (this.#alone === ended) this.#alone = undefined;
      end();
    }
  }
}
