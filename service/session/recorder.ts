import type { AccountingEvent, EventType, Peer, Protocol } from "../../core/accounting-event.ts";
import type { SessionServices } from "./services.ts";

export interface EventContent {
  readonly type: EventType;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Given where a retry or a recovery could make the same event again. */
  readonly id?: string;
}

export interface EventOrigin {
  readonly protocol: Protocol;
  readonly session?: string;
  readonly peer?: Peer;
}

/** The id of the `session.ended` of a session, whoever puts it on record: it has one end. */
export function sessionEndId(sessionId: string): string {
  return `${sessionId}.ended`;
}

/** What makes events besides their content. */
export type EventServices = Pick<SessionServices, "runtime" | "serverName">;

/** Composes accounting events of one origin and hands them to the log. */
export class Recorder {
  readonly #services: EventServices & Pick<SessionServices, "accounting">;
  readonly #origin: EventOrigin;
  account: { readonly name: string; readonly groups: readonly string[] } | undefined;

  constructor(services: EventServices & Pick<SessionServices, "accounting">, origin: EventOrigin) {
    this.#services = services;
    this.#origin = origin;
  }

  /** Resolves when the event is durable. @throws FileError `unavailable`. */
  record(content: EventContent): Promise<void> {
    return this.#services.accounting.append(this.compose(content));
  }

  /** The event, for a record that is made elsewhere. */
  compose(content: EventContent): AccountingEvent {
    return composeEvent(this.#services, { ...(this.account && { account: this.account }), ...this.#origin }, content);
  }
}

export function composeEvent(
  { runtime, serverName }: EventServices,
  origin: EventOrigin & Pick<AccountingEvent, "account">,
  { type, message, data = {}, id }: EventContent,
): AccountingEvent {
  return {
    id: id ?? runtime.newId(),
    type,
    time: new Date(runtime.now()).toISOString(),
    server: serverName,
    ...origin,
    message,
    data,
  };
}
