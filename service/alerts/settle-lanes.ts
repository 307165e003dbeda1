import type { AlertLane } from "../../core/alert-rule.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import type { Claims } from "../../ports/claims.ts";
import { underClaim } from "../consume/once.ts";
import type { AlertServices } from "./alert-services.ts";
import { LaneSender, type LaneState } from "./lane-sender.ts";

/** What a lane remembers, and when there is something to do in it again. */
interface LaneNote {
  readonly state: LaneState;
  /** Milliseconds since the epoch. */
  readonly dueAtMs: number;
}

export interface SettleServices extends AlertServices {
  readonly claims: Claims;
}

/**
 * Sends what is due in these lanes, for a process that does not stay: no pause is waited for, and what a lane has to
 * remember is kept with its claim. What is left — a digest whose time has not come, a message to be repeated — is due
 * in a later call. A lane in which somebody else is at work is left to him.
 * @param untilMs no message is begun after this moment, in milliseconds since the epoch
 * @throws the first failure of the claims, after every lane was tried
 */
export async function settleLanes(
  services: SettleServices,
  lanes: readonly AlertLane[],
  untilMs: number,
): Promise<void> {
  const results = await Promise.allSettled(lanes.map((lane) => settleLane(services, lane, untilMs)));
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}

async function settleLane(services: SettleServices, lane: AlertLane, untilMs: number): Promise<void> {
  const { runtime } = services;
  await underClaim(services, `alert-lane/${lane.target}/${lane.rule}`, async ({ note, annotate }) => {
    const known = note === undefined ? undefined : (JSON.parse(note) as LaneNote);
    if (known && runtime.now() < known.dueAtMs) return;
    const sender = new LaneSender(services, lane, known?.state);
    const delayMs = await sendDue(services, sender, untilMs);
    const left: LaneNote = { state: sender.state, dueAtMs: runtime.now() + delayMs };
    await annotate(asciiJson(left));
  });
}

/** How long until there may be something to do again. */
async function sendDue({ runtime }: SettleServices, sender: LaneSender, untilMs: number): Promise<number> {
  while (runtime.now() < untilMs) {
    const delayMs = await sender.step();
    if (delayMs === undefined) return 0;
    if (delayMs > 0) return delayMs;
  }
  return 0;
}
