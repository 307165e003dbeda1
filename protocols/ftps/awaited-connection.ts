import type { Socket } from "node:net";
import type { PassivePort } from "./passive-ports.ts";

/** A place at a passive port where one connection may arrive, until it is released. */
export abstract class AwaitedConnection implements PassivePort {
  readonly #arrival = Promise.withResolvers<Socket | undefined>();
  #hasEnded = false;

  abstract get port(): number;

  get connection(): Promise<Socket | undefined> {
    return this.#arrival.promise;
  }

  arrive(socket: Socket): void {
    this.#endWith(socket);
  }

  release(): void {
    this.#endWith(undefined);
  }

  /** Gives the place back; called once. */
  protected abstract leave(): void;

  /** Once: the place may belong to another session right after. */
  #endWith(socket: Socket | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.leave();
    this.#arrival.resolve(socket);
  }
}
