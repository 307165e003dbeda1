import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type AlertLane, alertLanes } from "../../core/alert-rule.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { noticeLane } from "../../core/dispatch-notice.ts";
import type { AlertDelivery } from "../../ports/alert-outbox.ts";
import type { EventHandler } from "../consume/event-consumer.ts";
import type { AlertSender } from "./alert-sender.ts";
import { type AlertServices, alertConsumer } from "./alert-services.ts";

/**
 * Puts what is to be told into the outbox. The sender takes it from there, so that a mail server that is down holds
 * up no other alert.
 */
export function createAlertHandler(services: AlertServices, sender: Pick<AlertSender, "wake">): EventHandler {
  const { outbox, runtime } = services;
  return {
    name: alertConsumer,
    selects: (event) => lanesOf(services, event).length > 0,
    handle: async (event) => {
      const lanes = lanesOf(services, event);
      const acceptedAtMs = runtime.now();
      await outbox.add(lanes.map((lane) => deliveryOf(services, { lane, event, acceptedAtMs })));
      for (const lane of lanes) sender.wake(lane);
    },
  };
}

/** Those of the alert rules, and that of the step of a dispatch rule which the event puts on record. */
function lanesOf({ rules }: AlertServices, event: AccountingEvent): readonly AlertLane[] {
  const notice = noticeLane(event);
  return [...alertLanes(rules(), event), ...(notice ? [notice] : [])];
}

function deliveryOf({ runtime }: AlertServices, delivery: Omit<AlertDelivery, "id">): AlertDelivery {
  return { ...delivery, id: deliveryId(runtime, delivery) };
}

const idLength = 32;

/** Made from what is told and to whom alone, so that a repetition has the same. */
function deliveryId(
  { sha256 }: AlertServices["runtime"],
  { lane, event }: { readonly lane: AlertLane; readonly event: AccountingEvent },
): string {
  const digest = sha256();
  const text = asciiJson([lane.rule, lane.target, event.id]);
  digest.update(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return digest.hex().slice(0, idLength);
}
