import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventTypes } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { parseEventQuery } from "../../../service/audit/event-query.ts";

const parse = (query: string) => parseEventQuery(new URLSearchParams(query));

function refusedField(query: string): string | undefined {
  try {
    parse(query);
  } catch (error) {
    assert.ok(error instanceof FileError);
    assert.equal(error.code, "invalid-argument");
    return error.field;
  }
  return assert.fail(`${query} was accepted`);
}

test("without parameters the first page of everything is asked for, oldest first", () => {
  const { limit, order, ...rest } = parse("");
  assert.deepEqual({ limit, order }, { limit: 100, order: "asc" });
  assert.deepEqual([...new Set(Object.values(rest))], [undefined]);
});

test("every parameter arrives in the query", () => {
  const query =
    "since=2026-11-22&until=2026-11-23T12:00:00%2B02:00&type=access.denied&account=acme&peer=203.0.113.9" +
    "&path=/inbox/&limit=7&cursor=abc&order=desc";
  assert.deepEqual(parse(query), {
    since: "2026-11-22T00:00:00.000Z",
    until: "2026-11-23T10:00:00.000Z",
    types: ["access.denied"],
    account: "acme",
    peer: "203.0.113.9",
    path: "/inbox/",
    limit: 7,
    cursor: "abc",
    order: "desc",
  });
});

test("types may be repeated, separated by commas, or both", () => {
  assert.deepEqual(parse("type=file.deleted,file.renamed&type=file.copied").types, [
    "file.deleted",
    "file.renamed",
    "file.copied",
  ]);
  assert.deepEqual(parse(`type=${eventTypes.join(",%20")}`).types, [...eventTypes]);
});

test("a path is brought into the form of events, and the slash at its end stays", () => {
  assert.equal(parse("path=/inbox/../outbox//a.pdf").path, "/outbox/a.pdf");
  assert.equal(parse("path=/inbox/./").path, "/inbox/");
  assert.equal(parse("path=/").path, "/");
});

test("what is wrong is refused with the name of the parameter", () => {
  const wrong: Record<string, string> = {
    "colour=red": "colour",
    "Type=access.denied": "Type",
    "=x": "",
    "since=yesterday": "since",
    "until=2026-02-30": "until",
    "until=2026-11-22T14:13:05+02:00": "until",
    "type=": "type",
    "type=transfer.completed,": "type",
    "type=transfer": "type",
    "account=": "account",
    "account=a&account=b": "account",
    "peer=": "peer",
    "peer=bad": "peer",
    "peer=10.1": "peer",
    "peer=203.0.113.0/24": "peer",
    "path=a%00b": "path",
    "limit=0": "limit",
    "limit=-1": "limit",
    "limit=1.5": "limit",
    "limit=ten": "limit",
    "limit=1&limit=2": "limit",
    "cursor=": "cursor",
    "order=random": "order",
  };
  wrong[`limit=${limits.eventPageEntries + 1}`] = "limit";
  for (const [query, field] of Object.entries(wrong)) assert.equal(refusedField(query), field, query);
  assert.equal(parse(`limit=${limits.eventPageEntries}`).limit, limits.eventPageEntries);
});

test("any parameters are read or refused as an invalid argument", () => {
  const pair = fc.tuple(fc.oneof(fc.constantFrom("since", "type", "path", "limit", "order"), fc.string()), fc.string());
  fc.assert(
    fc.property(fc.array(pair), (parameters) => {
      try {
        parseEventQuery(parameters);
      } catch (error) {
        assert.ok(error instanceof FileError && error.code === "invalid-argument", `${error}`);
      }
    }),
  );
});
