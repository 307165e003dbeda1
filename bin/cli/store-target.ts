import { userInfo } from "node:os";
import type { Provisions } from "../../adapters/node/configuration/entry-checks.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type EntryKind, entryChanges } from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import type { ConfigurationStore, EntryOutcome } from "../../ports/configuration-store.ts";
import { changeContent } from "../../service/management/change-event.ts";
import { composeEvent, type EventServices } from "../../service/session/recorder.ts";
import type { ConfigurationTarget, TargetEntry } from "./configuration-target.ts";

export interface StoreTargetOptions extends EventServices {
  /** What words of the operator call it. */
  readonly name: string;
  readonly store: ConfigurationStore;
  readonly provisions: Provisions;
  readonly close: () => Promise<void>;
}

/** A store that this process changes itself; the events say who ran the command. */
export function storeTarget(options: StoreTargetOptions): ConfigurationTarget {
  const { name, store, provisions, close } = options;
  const eventOf = (outcome: EntryOutcome) => composeEvent(options, { protocol: "system" }, content(outcome));
  return {
    name,
    entries: (kind) => allEntries(store, kind),
    changes: async (kind, current, wanted) => entryChanges(kind, current.value, wanted.value),
    provisions,
    refusals: async () => [],
    put: (kind, { name: entry, value }) => change(store, { kind, name: entry, valueFrom: () => value }, eventOf),
    remove: (kind, entry) => change(store, { kind, name: entry, valueFrom: () => undefined }, eventOf),
    close,
  };
}

function content(outcome: EntryOutcome) {
  const { data, ...rest } = changeContent(outcome, "apply");
  return { ...rest, data: { ...data, user: userInfo().username } };
}

async function allEntries(store: ConfigurationStore, kind: EntryKind): Promise<TargetEntry[]> {
  const entries: TargetEntry[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof store.list>> = await store.list(kind, {
      after,
      limit: limits.listingPageEntries,
    });
    entries.push(...page.entries);
    after = page.next;
  }
  return entries;
}

async function change(
  store: ConfigurationStore,
  { kind, name, valueFrom }: Pick<Parameters<ConfigurationStore["change"]>[0], "kind" | "name" | "valueFrom">,
  eventOf: (outcome: EntryOutcome) => AccountingEvent,
): Promise<void> {
  await store.change({ kind, name, valueFrom, precondition: {}, dryRun: false }, eventOf);
}
