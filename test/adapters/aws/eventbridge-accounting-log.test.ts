import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { type AuditIndex, createDynamoAuditIndex } from "../../../adapters/aws/dynamo-audit-index.ts";
import { DynamoTable } from "../../../adapters/aws/dynamo-table.ts";
import { createEventBridgeAccountingLog } from "../../../adapters/aws/eventbridge-accounting-log.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import type { AccountingLog } from "../../../ports/accounting-log.ts";
import { accountingLogContract, eventOf } from "../../contract/accounting-log.contract.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable, type TestTable } from "../../support/aws-table.ts";
import { createTestBus, type TestBus } from "../../support/event-bus.ts";

/** What the accounting function does, by hand: takes what is in the queue and puts it into the index. */
class Accounting {
  readonly #bus: TestBus;
  readonly #index: AuditIndex;
  #draining: Promise<void> = Promise.resolve();

  constructor(bus: TestBus, index: AuditIndex) {
    this.#bus = bus;
    this.#index = index;
  }

  /** Everything that the bus has is in the index when this resolves. */
  async catchUp(): Promise<void> {
    this.#draining = this.#draining.then(() => this.#drain());
    await this.#draining;
  }

  async #drain(): Promise<void> {
    for (let events = await this.#bus.receive(); events.length > 0; events = await this.#bus.receive()) {
      await this.#index.put(events);
    }
  }
}

const queuedBytes = 1_000_000;

describe("the accounting record on AWS", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  accountingLogContract("EventBridge, a queue and DynamoDB", async () => {
    const { table, dispose } = await createTestTable();
    const bus = await createTestBus();
    const index = createDynamoAuditIndex({ table, settleMs: 0 });
    const accounting = new Accounting(bus, index);
    const owned = { owner: "gateway-1", isOwnerAlive: async () => true };
    const open = (): AccountingLog => {
      const log = createEventBridgeAccountingLog({ ...bus, table, index, ...owned, calls: 1, queuedBytes });
      let isCurrent = false;
      const current = async () => {
        if (!isCurrent) await accounting.catchUp();
        isCurrent = true;
      };
      return {
        append: async (event) => {
          isCurrent = false;
          await log.append(event);
        },
        query: async (query) => {
          await current();
          return log.query(query);
        },
        find: async (eventId) => {
          await current();
          return log.find(eventId);
        },
        unfinishedTransfers: () => log.unfinishedTransfers(),
        unfinishedSessions: () => log.unfinishedSessions(),
        close: () => log.close(),
      };
    };
    return {
      log: open(),
      queuedBytes,
      events: 60,
      searches: 25,
      reopen: async () => open(),
      dispose: async () => {
        await bus.dispose();
        await dispose();
      },
    };
  });

  describe("the start of a session", () => {
    const started = eventOf(1, { session: "s1" });
    let test: TestTable;
    let bus: TestBus;
    beforeEach(async () => {
      [test, bus] = await Promise.all([createTestTable(), createTestBus()]);
    });
    afterEach(async () => {
      await Promise.all([bus.dispose(), test.dispose()]);
    });
    const open = (table: DynamoTable) => {
      const index = createDynamoAuditIndex({ table });
      return createEventBridgeAccountingLog({ ...bus, table, index, owner: "a", isOwnerAlive: async () => true });
    };

    it("is on record also where the table cannot be used", async () => {
      await refuses("unavailable", open(new FailingTable(test)).append(started));
      assert.deepEqual(await bus.receive(), [started]);
    });

    it("is in the table before it is on record, so that its end is not forgotten", async () => {
      const log = open(test.table);
      const inTable: (readonly AccountingEvent[])[] = [];
      bus.client.middlewareStack.add(
        (next) => async (args) => {
          inTable.push(await log.unfinishedSessions());
          return next(args);
        },
        { step: "initialize", name: "look" },
      );
      await log.append(started);
      bus.client.middlewareStack.remove("look");
      assert.deepEqual(inTable, [[started]]);
    });

    it("waits for no end of this process where it is over HTTP", async () => {
      const log = open(test.table);
      await log.append({ ...started, protocol: "https" });
      assert.deepEqual(await log.unfinishedSessions(), []);
    });
  });
});

class FailingTable extends DynamoTable {
  constructor({ client, tableName, table }: TestTable) {
    super({ client, name: tableName, now: table.now });
  }

  override put(): Promise<never> {
    return Promise.reject(new FileError("unavailable", "the table fails"));
  }
}
