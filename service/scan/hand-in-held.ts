import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { HeldEvents } from "../../ports/store-scan.ts";

/** There is a verdict of an object: what was held for it is handed in again. @throws what `send` throws */
export async function handInHeld(
  held: HeldEvents,
  objectKey: string,
  send: (event: AccountingEvent) => Promise<void>,
): Promise<void> {
  for (const event of await held.heldFor(objectKey)) {
    await send(event);
    await held.forget(objectKey, event.id);
  }
}
