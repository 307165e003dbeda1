/** One action at a time for each objectKey, within this process. */
export class ObjectKeyLocks {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `action` when every earlier action over any of these keys has ended. */
  async run<T>(objectKeys: readonly string[], action: () => Promise<T>): Promise<T> {
    // All keys are taken at one moment, so actions wait in the order of their calls and never for each other.
    const earlier = objectKeys.map((objectKey) => this.#last.get(objectKey));
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    for (const objectKey of objectKeys) this.#last.set(objectKey, ended);
    try {
      await Promise.all(earlier);
      return await action();
    } finally {
      end();
      for (const objectKey of objectKeys) if (this.#last.get(objectKey) === ended) this.#last.delete(objectKey);
    }
  }
}
