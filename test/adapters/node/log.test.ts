import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createLog, type LogLevel } from "../../../adapters/node/log.ts";

function logTo(level?: LogLevel) {
  let text = "";
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  return { log: createLog({ stream, ...(level && { level }) }), text: () => text };
}

describe("the log", () => {
  it("writes a line of JSON for each entry", () => {
    const { log, text } = logTo();
    log.info("started", { port: 22 });
    log.error("failed");
    const [first, second, ...rest] = text().split("\n");
    const { time, ...entry } = JSON.parse(first ?? "");
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(entry, { level: "info", message: "started", fields: { port: 22 } });
    assert.deepEqual(Object.keys(JSON.parse(second ?? "")), ["time", "level", "message"]);
    assert.deepEqual(rest, [""]);
  });

  it("leaves out what is below its level", () => {
    const { log, text } = logTo("warn");
    log.info("one");
    log.warn("two");
    log.error("three");
    assert.deepEqual(text().match(/one|two|three/g), ["two", "three"]);
  });

  it("lets nobody forge a line or a terminal's commands, and keeps the text", () => {
    const hostile = fc.string({
      unit: fc.oneof(fc.constantFrom("\n", "\r", "\u001b", "\u0085", "\u2028", "\u202e", "\0", '"'), fc.string()),
    });
    fc.assert(
      fc.property(hostile, hostile, (message, value) => {
        const { log, text } = logTo();
        log.warn(message, { value });
        assert.match(text(), /^[^\p{Cc}\u2028\u2029\u202a-\u202e]*\n$/u);
        const entry = JSON.parse(text());
        assert.deepEqual([entry.level, entry.message, entry.fields.value], ["warn", message, value]);
      }),
    );
  });

  it("writes errors with what lies behind them, and large numbers", () => {
    const { log, text } = logTo();
    const error = new Error("outer", { cause: new TypeError("inner") });
    log.error("failed", { error, bytes: 2n ** 64n });
    const { fields } = JSON.parse(text());
    assert.equal(fields.error.message, "outer");
    assert.ok(fields.error.stack.includes("log.test.ts"));
    assert.equal(fields.error.cause.name, "TypeError");
    assert.equal(fields.bytes, "18446744073709551616");
  });

  it("never fails: not on fields without JSON, not on a stream that is gone", async () => {
    const { log, text } = logTo();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    log.info("circular", circular);
    assert.equal(JSON.parse(text()).message, "circular");
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const broken = createLog({ stream: gone });
    broken.info("lost");
    await new Promise((resolve) => gone.once("close", resolve));
    broken.info("lost too");
  });
});
