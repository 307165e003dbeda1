import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { Item } from "../../../adapters/aws/dynamo-expressions.ts";
import { DynamoTable } from "../../../adapters/aws/dynamo-table.ts";
import { limits } from "../../../core/limits.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable, type TestTable } from "../../support/aws-table.ts";

describe("the table", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let test: TestTable;
  let table: DynamoTable;
  let nowMs = 0;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    nowMs = 1_700_000_000_000;
    test = await createTestTable({ now: () => nowMs });
    table = test.table;
  });
  afterEach(() => test.dispose());
  const place = (sk: string) => ({ pk: "p", sk });
  const all = async (query: Omit<Parameters<DynamoTable["query"]>[0], "partition">) => {
    const found = await table.all({ partition: "p", ...query });
    return found.map(({ sk }) => sk);
  };

  it("keeps an item until it is removed", async () => {
    assert.equal(await table.get(place("a")), undefined);
    const item = { ...place("a"), text: "ü", number: 2 ** 52, list: [1, { deep: null }], none: undefined };
    assert.equal(await table.put(item), true);
    const { none, ...kept } = item;
    assert.deepEqual(await table.get(place("a")), kept);
    assert.equal(await table.remove(place("a")), true);
    assert.equal(await table.get(place("a")), undefined);
    assert.equal(await table.remove(place("a")), true);
  });

  it("puts a new item once, and takes a repetition of the same for the first", async () => {
    assert.equal(await table.putNew({ ...place("a"), by: "1", none: undefined, list: [{ a: null }] }), true);
    assert.equal(await table.putNew({ ...place("a"), by: "1", none: undefined, list: [{ a: null }] }), true);
    assert.equal(await table.putNew({ ...place("a"), by: "2" }), false);
    assert.equal((await table.get(place("a")))?.by, "1");
  });

  it("hides an item from the second on in which its time is over", async () => {
    await table.put({ ...place("a"), expiresAt: table.expiryAt(nowMs + 1500) });
    nowMs += 1999;
    assert.deepEqual(await all({}), ["a"]);
    nowMs += 1;
    assert.deepEqual(await all({}), []);
    assert.equal(await table.get(place("a")), undefined);
    assert.deepEqual(await table.getMany([place("a")]), []);
    assert.equal(await table.putNew({ ...place("a"), by: "next" }), true);
  });

  it("changes an item where a condition holds, and says what is there otherwise", async () => {
    await table.put({ ...place("a"), count: 1 });
    const update = { change: "SET #count = #count + :one", condition: "#count = :known" };
    const first = await table.update(place("a"), { ...update, values: { one: 1, known: 1 } });
    assert.deepEqual(first, { applied: true, item: { ...place("a"), count: 2 } });
    const second = await table.update(place("a"), { ...update, values: { one: 1, known: 1 } });
    assert.deepEqual(second, { applied: false, item: { ...place("a"), count: 2 } });
    const condition = { expression: "#count = :known", values: { known: 1 } };
    assert.equal(await table.remove(place("a"), condition), false);
  });

  it("reads a partition in order, over the pages of the service", async () => {
    const filling = "x".repeat(100_000);
    const names = Array.from({ length: 30 }, (_, index) => `n${String(index).padStart(2, "0")}`);
    await table.writeMany(names.map((sk): { put: Item } => ({ put: { ...place(sk), filling } })));
    await table.put({ ...place("other"), filling });
    assert.deepEqual(await all({}), [...names, "other"]);
    assert.deepEqual(await all({ prefix: "n" }), names);
    assert.deepEqual(await all({ prefix: "n", descending: true, limit: 25 }), names.toReversed().slice(0, 25));
    assert.deepEqual(await all({ between: ["n05", "n07"] }), ["n05", "n06", "n07"]);
    assert.deepEqual(await all({ after: "n28" }), ["n29", "other"]);
    assert.deepEqual(await all({ after: "n01", descending: true }), ["n00"]);
    assert.deepEqual(await all({ after: "", limit: 1 }), ["n00"]);
    const filter = { expression: "attribute_not_exists(#filling)" };
    await table.put(place("short"));
    assert.deepEqual(await all({ filter, limit: 1 }), ["short"]);
    await table.remove(place("short"));
    const found = await table.getMany(names.map(place));
    assert.equal(found.length, names.length);
    await table.writeMany(names.map((sk) => ({ remove: place(sk) })));
    assert.deepEqual(await all({}), ["other"]);
  });

  it("reads through the index", async () => {
    await table.put({ ...place("b"), gs1pk: "i", gs1sk: "1" });
    await table.put({ pk: "q", sk: "a", gs1pk: "i", gs1sk: "2" });
    const found = await table.all({ partition: "i", index: true });
    assert.deepEqual(
      found.map(({ sk }) => sk),
      ["b", "a"],
    );
  });

  it("makes all writes of a transaction or none", async () => {
    await table.put({ ...place("a"), version: 1 });
    const atVersion = (known: number) => ({ expression: "#version = :known", values: { known } });
    const writes = (known: number) => [
      { check: place("a"), condition: atVersion(known) },
      { put: place("b") },
      { remove: place("c") },
    ];
    await table.put(place("c"));
    assert.equal(await table.transact(writes(2)), false);
    assert.deepEqual(await all({}), ["a", "c"]);
    assert.equal(await table.transact(writes(1)), true);
    assert.deepEqual(await all({}), ["a", "b"]);
  });

  it("says that it cannot be used", async () => {
    const missing = new DynamoTable({ client: test.client, name: "no-such-table", now: Date.now });
    const attempts = [
      () => missing.get(place("a")),
      () => missing.getMany([place("a")]),
      () => missing.put(place("a")),
      () => missing.update(place("a"), { change: "SET #a = :b", values: { b: 1 } }),
      () => missing.remove(place("a")),
      () => missing.writeMany([{ put: place("a") }]),
      () => missing.transact([{ put: place("a") }]),
      () => missing.all({ partition: "p" }),
    ];
    for (const attempt of attempts) await refuses("unavailable", attempt());
    await refuses("unavailable", table.put({ ...place("a"), large: "x".repeat(401 * 1024) }));
    assert.ok(limits.eventBytes < 400 * 1024);
  });
});
