/**
 * A part of a channel's state that a request needs, and whether others may use it at the same time. Requests that
 * share a lane and of which one is exclusive run in the order of their arrival.
 */
export interface Claim {
  readonly lane: string;
  readonly exclusive: boolean;
}

interface Ticket {
  readonly start: () => void;
  /** Lanes in which it is not yet this ticket's turn. */
  waitingFor: number;
}

interface Lane {
  running: number;
  runsExclusive: boolean;
  readonly waiting: { readonly ticket: Ticket; readonly exclusive: boolean }[];
}

/**
 * Starts each request when every request before it that it must not overtake has finished. Tickets enter all their
 * lanes at once and leave each in order of arrival, so no two can wait for each other.
 */
export class RequestOrder {
  readonly #lanes = new Map<string, Lane>();

  /** Calls `start` now or later; `leave` must follow with the same claims. No two claims may name one lane. */
  enter(claims: readonly Claim[], start: () => void): void {
    const ticket: Ticket = { start, waitingFor: 0 };
    for (const { lane: name, exclusive } of claims) {
      const lane = this.#lane(name);
      if (lane.waiting.length === 0 && isFree(lane, exclusive)) occupy(lane, exclusive);
      else {
        lane.waiting.push({ ticket, exclusive });
        ticket.waitingFor += 1;
      }
    }
    if (ticket.waitingFor === 0) start();
  }

  leave(claims: readonly Claim[]): void {
    for (const { lane: name } of claims) {
      const lane = this.#lane(name);
      lane.running -= 1;
      lane.runsExclusive = false;
      admitWaiting(lane);
      if (lane.running === 0) this.#lanes.delete(name);
    }
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane: Lane = { running: 0, runsExclusive: false, waiting: [] };
    this.#lanes.set(name, lane);
    return lane;
  }
}

function isFree(lane: Lane, exclusive: boolean): boolean {
  return lane.running === 0 || (!exclusive && !lane.runsExclusive);
}

function occupy(lane: Lane, exclusive: boolean): void {
  lane.running += 1;
  lane.runsExclusive = exclusive;
}

function admitWaiting(lane: Lane): void {
  for (let next = lane.waiting[0]; next && isFree(lane, next.exclusive); next = lane.waiting[0]) {
    lane.waiting.shift();
    occupy(lane, next.exclusive);
    next.ticket.waitingFor -= 1;
    if (next.ticket.waitingFor === 0) next.ticket.start();
  }
}
