import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { EntryKind, JsonObject } from "../../core/configuration-entry.ts";
import { ConfigurationError, type ConfigurationErrorCode } from "../../core/configuration-error.ts";
import type { AcceptChange, ConfigurationStore, EntryChange } from "../../ports/configuration-store.ts";
import { refuses } from "./refusal.ts";

export interface ConfigurationStoreUnderTest {
  readonly store: ConfigurationStore;
  /** The same entries through another instance, which may change them too. */
  another(): Promise<ConfigurationStore>;
  /** There is no scanner and no OpenPGP key, and perhaps no mail either. */
  readonly hasMail: boolean;
  dispose(): Promise<void>;
}

/** What every ConfigurationStore has to do, whatever it stands on. It begins without an entry. */
export function configurationStoreContract(name: string, open: () => Promise<ConfigurationStoreUnderTest>): void {
  describe(name, () => {
    let tested: ConfigurationStoreUnderTest;
    let store: ConfigurationStore;
    let events = 0;
    beforeEach(async () => {
      tested = await open();
      store = tested.store;
      events = 0;
    });
    afterEach(() => tested.dispose());

    const accept: AcceptChange = ({ before, after }) => {
      events += 1;
      return eventOf(`${events} ${before?.name ?? "none"} ${after?.name ?? "none"}`);
    };
    const put = (kind: EntryKind, entry: string, value: JsonObject = {}, options: Partial<EntryChange> = {}) => {
      const valueFrom = () => ({ name: entry, ...value });
      return store.change({ kind, name: entry, valueFrom, precondition: {}, dryRun: false, ...options }, accept);
    };
    const remove = (kind: EntryKind, entry: string, options: Partial<EntryChange> = {}) =>
      put(kind, entry, {}, { valueFrom: () => undefined, ...options });

    it("gives back what was put, with every default, to others as well", async () => {
      const { before, after } = await put("account", "acme", { home: "here" });
      assert.equal(before, undefined);
      const found = await (await tested.another()).find("account", "acme");
      assert.deepEqual(found, after);
      assert.deepEqual(found?.value, {
        name: "acme",
        groups: [],
        publicKeys: [],
        roles: [],
        enabled: true,
        home: "here",
        folders: {},
        permissions: [],
      });
      assert.match(found?.etag ?? "", /^[\w-]{22}$/);
      assert.equal(found?.origin, "api");
      assert.equal(await store.find("group", "acme"), undefined);
    });

    it("lists entries in the order of their names, page by page", async () => {
      for (const entry of ["b", "d", "a", "c"]) await put("group", entry);
      await put("account", "x");
      const first = await store.list("group", { limit: 3 });
      assert.deepEqual([first.entries.map((entry) => entry.name), first.next], [["a", "b", "c"], "c"]);
      const second = await store.list("group", { limit: 3, after: first.next });
      assert.deepEqual([second.entries.map((entry) => entry.name), second.next], [["d"], undefined]);
    });

    it("changes the etag with the value and with nothing else", async () => {
      const first = await put("account", "a", { home: "one" });
      const same = await put("account", "a", { home: "one" });
      assert.deepEqual(same.after, first.after);
      assert.equal(events, 1, "what has no effect asks for no event");
      const other = await put("account", "a", { home: "two" });
      assert.deepEqual(other.before, first.after);
      assert.notEqual(other.after?.etag, first.after?.etag);
      assert.equal((await put("account", "a", { home: "one" })).after?.etag, first.after?.etag);
    });

    it("changes nothing when what has to hold does not", async () => {
      await refuses("precondition-failed", put("group", "a", {}, { precondition: { ifMatch: "*" } }));
      const { after } = await put("group", "a");
      const etag = after?.etag ?? "";
      const change = { enabled: false };
      await refuses("precondition-failed", put("group", "a", change, { precondition: { ifNoneMatch: "*" } }));
      await refuses("precondition-failed", put("group", "a", change, { precondition: { ifMatch: ["other"] } }));
      await refuses("precondition-failed", remove("group", "a", { precondition: { ifNoneMatch: [etag] } }));
      assert.deepEqual(await store.find("group", "a"), after);
      await put("group", "a", change, { precondition: { ifMatch: ["other", etag] } });
      await refuses("precondition-failed", remove("group", "a", { precondition: { ifMatch: [etag] } }));
      await refuses("not-found", remove("group", "b"));
    });

    it("refuses entries that break a rule, with every problem", async () => {
      const problems = await refusal("invalid-entry", put("account", "a", { colour: 1, enabled: "yes" }));
      assert.deepEqual(problems.sort(), ["colour", "enabled"]);
      assert.deepEqual(await refusal("invalid-entry", put("account", "a", { groups: ["none"] })), ["groups[0]"]);
      const publicKeys = Array.from({ length: 60 }, () => `${publicKey} ${"c".repeat(8000)}`);
      assert.deepEqual(await refusal("invalid-entry", put("account", "a", { publicKeys })), [""]);
      assert.equal(await store.find("account", "a"), undefined);
      assert.deepEqual(await store.unrecordedEvents(), []);
    });

    it("refuses what needs mail, a scanner or OpenPGP keys that are not there", async () => {
      assert.deepEqual(await refusal("invalid-entry", put("account", "a", { scan: "required" })), ["scan"]);
      assert.deepEqual(await refusal("invalid-entry", put("group", "g", { scan: ["*.exe"] })), ["scan"]);
      const steps = [
        { scan: true },
        { encrypt: { recipients: ["k", "l"], sign: "k" } },
        { decrypt: { with: ["k"], signedBy: ["l"] } },
      ];
      const rule = { do: steps, otherwise: [{ verify: { signedBy: ["k"] } }] };
      assert.deepEqual(await refusal("invalid-entry", put("dispatch-rule", "r", rule)), [
        "do[0].scan",
        "do[1].encrypt.recipients[0]",
        "do[1].encrypt.recipients[1]",
        "do[1].encrypt.sign",
        "do[2].decrypt.with[0]",
        "do[2].decrypt.signedBy[0]",
        "otherwise[0].verify.signedBy[0]",
      ]);
      const email = { to: ["ops@example.com"], subject: "s" };
      const mailing = [
        ["alert-rule", "email", { when: { types: ["file.deleted"] }, email }],
        ["dispatch-rule", "do[0].email", { do: [{ email }] }],
      ] as const;
      for (const [kind, field, value] of mailing) {
        if (tested.hasMail) await put(kind, "mailing", value);
        else assert.deepEqual(await refusal("invalid-entry", put(kind, "mailing", value)), [field]);
      }
    });

    it("refuses the end of a loop that closes it, whichever that is", async () => {
      await put("account", "a");
      await put("destination", "d", { url: "s3://bucket/in" });
      const pull = { destination: "d", from: "/out", account: "a", to: "/inbox", schedule: "0 6 * * *" };
      const rule = (path: string) => ({
        when: { path: "/inbox/*.csv" },
        do: [{ copy: "/kept/" }, { push: { destination: "d", path } }],
      });
      await put("dispatch-rule", "r", rule("/sent/"));
      await put("pull", "p", pull);
      const sent = put("dispatch-rule", "r", rule("/out/"));
      assert.deepEqual(await refusal("invalid-entry", sent), ["do[1].push.path"]);
      const fallback = { ...rule("/sent/"), otherwise: [{ push: { destination: "d", path: "/out/" } }] };
      assert.deepEqual(await refusal("invalid-entry", put("dispatch-rule", "r", fallback)), ["otherwise[0].push.path"]);
      assert.deepEqual(await refusal("invalid-entry", put("pull", "p", { ...pull, from: "/sent" })), ["from"]);
      await put("pull", "p", { ...pull, enabled: false });
      await put("dispatch-rule", "r", rule("/out/"));
      const [switchedOn] = await Promise.allSettled([put("pull", "p", pull)]);
      assert.match(String(switchedOn.status === "rejected" && switchedOn.reason), /the pull p .* the dispatch rule r /);
    });

    it("keeps what others name", async () => {
      await put("group", "g");
      await put("account", "a", { groups: ["g"] });
      const steps = { do: [{ delete: true }] };
      await put("dispatch-rule", "r", { when: { accounts: ["a"] }, ...steps });
      await refusal("conflict", remove("group", "g"));
      await refusal("conflict", remove("account", "a"));
      await remove("dispatch-rule", "r");
      await remove("account", "a");
      await remove("group", "g");
      assert.deepEqual((await store.list("group", { limit: 1 })).entries, []);
    });

    it("sees what another instance has changed", async () => {
      const other = await tested.another();
      await put("group", "g");
      const change = { precondition: {}, dryRun: false } as const;
      const valueFrom = () => ({ name: "a", groups: ["g"] });
      await other.change({ kind: "account", name: "a", valueFrom, ...change }, accept);
      await refusal("conflict", remove("group", "g"));
      await other.change({ kind: "account", name: "a", valueFrom: () => undefined, ...change }, accept);
      await remove("group", "g");
      await refusal(
        "invalid-entry",
        other.change({ kind: "account", name: "a", valueFrom, ...change }, accept) as never,
      );
    });

    it("asks whoever accepts a change with the accounts as they would be", async () => {
      await put("group", "g", { permissions: [["allow-read"]] });
      await put("account", "a");
      const seen: unknown[] = [];
      const change: EntryChange = {
        kind: "account",
        name: "a",
        valueFrom: (before) => ({ ...before?.value, groups: ["g"], enabled: false }),
        precondition: {},
        dryRun: true,
      };
      await store.change(change, (outcome, accountAfter) => {
        const account = accountAfter("a");
        seen.push(
          account?.enabled,
          account?.groups.map((group) => group.permissions.length),
          accountAfter("b"),
        );
        return accept(outcome, accountAfter);
      });
      assert.deepEqual(seen, [false, [1], undefined]);
      const removal = { ...change, valueFrom: () => undefined };
      let removed: unknown = "not asked";
      await store.change(removal, (outcome, accountAfter) => {
        removed = accountAfter("a");
        return accept(outcome, accountAfter);
      });
      assert.equal(removed, undefined);
      assert.equal((await store.find("account", "a"))?.value.enabled, true, "a dry run changes nothing");
      assert.equal((await store.unrecordedEvents()).length, 2);
    });

    it("makes no change that is not accepted", async () => {
      const stop = () => {
        throw new ConfigurationError("conflict", { field: "", message: "no" });
      };
      const change = {
        kind: "group",
        name: "g",
        valueFrom: () => ({ name: "g" }),
        precondition: {},
        dryRun: false,
      } as const;
      await refusal("conflict", store.change(change, stop));
      assert.equal(await store.find("group", "g"), undefined);
      assert.deepEqual(await store.unrecordedEvents(), []);
    });

    it("keeps the event of each change, oldest first, until it is on record", async () => {
      for (const entry of ["c", "a", "b"]) await put("group", entry);
      await remove("group", "a");
      const other = await tested.another();
      const kept = async () => (await other.unrecordedEvents()).map(({ id }) => id);
      assert.deepEqual(await kept(), ["1 none c", "2 none a", "3 none b", "4 a none"]);
      await store.eventsRecorded(["2 none a", "1 none c", "unknown"]);
      assert.deepEqual(await kept(), ["3 none b", "4 a none"]);
    });

    it("lets one of those win who ask for the same at the same time", async () => {
      const stores = [store, await tested.another(), await tested.another()];
      const attempts = stores.map((each, index) =>
        each.change(
          {
            kind: "account",
            name: "a",
            valueFrom: () => ({ name: "a", home: `home-${index}` }),
            precondition: { ifNoneMatch: "*" },
            dryRun: false,
          },
          accept,
        ),
      );
      const results = await Promise.allSettled(attempts);
      assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected", "rejected"]);
      assert.equal((await store.unrecordedEvents()).length, 1);
    });
  });
}

/** The fields of the problems with which the attempt is refused. */
async function refusal(code: ConfigurationErrorCode, attempt: Promise<unknown>): Promise<string[]> {
  const [result] = await Promise.allSettled([attempt]);
  const reason = result.status === "rejected" ? result.reason : undefined;
  assert.ok(reason instanceof ConfigurationError, `not a ConfigurationError: ${reason}`);
  assert.equal(reason.code, code, reason.message);
  return reason.problems.map(({ field }) => field);
}

function eventOf(id: string): AccountingEvent {
  const time = "2026-11-22T12:00:00.000Z";
  return { id, type: "configuration.changed", time, server: "test", protocol: "system", message: id, data: {} };
}

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFC6cXyHn5jSYJ9QXqmB0jZQ8yNRDGYMlwVf5Y2p5bnN";
