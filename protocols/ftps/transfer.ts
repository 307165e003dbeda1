import type { Socket } from "node:net";
import { type DataDirection, type DataPort, endData, endUnannounced, isComplete } from "./data-connection.ts";
import type { FtpsLimits } from "./ftps-limits.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import { Refusal, type Reply } from "./replies.ts";

/** What a transfer command wants done with its data connection. */
export interface TransferPlan {
  /** The text of the reply 150. */
  readonly announcement: string;
  readonly direction: DataDirection;
  readonly move: (socket: Socket, progressed: () => void) => Promise<void>;
  /** After all data: makes the result final and answers the text of the reply 226. */
  readonly complete: () => Promise<string>;
  /** After a failure anywhere, or at the client's wish: leaves nothing behind. */
  readonly abort: (reason: string) => Promise<void>;
  /** After the loss of a connection: leaves behind what can be gone on with. By default as `abort`. */
  readonly interrupt?: (reason: string) => Promise<void>;
}

/** What a transfer moves its data over. */
export interface TransferData {
  readonly port: DataPort;
  readonly limits: FtpsLimits;
}

/** One transfer under way. It ends exactly once, completed or aborted. */
export class Transfer {
  readonly plan: TransferPlan;
  readonly #port: DataPort;
  readonly #limits: FtpsLimits;
  readonly #abort = new AbortController();
  #isUnwanted = false;

  constructor(plan: TransferPlan, { port, limits }: TransferData) {
    this.plan = plan;
    this.#port = port;
    this.#limits = limits;
  }

  /** Ends the transfer at once, unless its data is complete already. */
  abort(reason: Refusal): void {
    this.#abort.abort(reason);
  }

  /** As {@link abort}, because the client does not want the transfer any more. */
  cancel(reason: Refusal): void {
    this.#isUnwanted = true;
    this.abort(reason);
  }

  /** Answers the final reply. `explain` makes one of any failure. */
  async run(explain: (error: unknown) => Reply): Promise<Reply> {
    try {
      await this.#moveData();
      return { code: 226, text: await this.plan.complete() };
    } catch (error) {
      const cause = this.#abort.signal.aborted ? this.#abort.signal.reason : error;
      const reply = explain(cause);
      // Whatever is wrong with the connections is a Refusal; the store has other errors.
      const isInterrupted = cause instanceof Refusal && !this.#isUnwanted;
      const { abort, interrupt = abort } = this.plan;
      await (isInterrupted ? interrupt : abort)(`${reply.text}`).catch(explain);
      return reply;
    }
  }

  async #moveData(): Promise<void> {
    const { signal } = this.#abort;
    const release = () => this.#port.release();
    signal.addEventListener("abort", release);
    try {
      signal.throwIfAborted();
      const socket = await this.#port.open(this.plan.direction);
      signal.throwIfAborted();
      await this.#moveOver(socket);
      if (this.plan.direction === "receive") endReceiving(socket);
    } catch (error) {
      if (!signal.aborted) this.#port.leaveToClient(this.#limits.ftpsLingerMs);
      throw error;
    } finally {
      signal.removeEventListener("abort", release);
    }
  }

  async #moveOver(socket: Socket): Promise<void> {
    const timer = new InactivityTimer(this.#limits.ftpsDataIdleMs, () =>
      this.abort(new Refusal(426, "The data connection stood still for too long; the transfer is aborted.")),
    );
    try {
      await this.plan.move(socket, () => timer.touch());
    } finally {
      timer.stop();
    }
  }
}

/** A truncated file must not pass for a whole one (RFC 4217 §12.4 asks for the TLS shutdown). */
function endReceiving(socket: Socket): void {
  if (!isComplete(socket)) throw endUnannounced();
  // The client has what it needs once the upload is stored; whether it waits for our end is its own affair.
  endData(socket).catch(() => {});
}
