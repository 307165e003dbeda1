import assert from "node:assert/strict";
import { test } from "node:test";
import { processMetrics } from "../../../adapters/node/process-metrics.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { EventMetrics } from "../../../service/metrics/event-metrics.ts";
import { exposition } from "../../../service/metrics/exposition.ts";
import { observedLog } from "../../../service/metrics/observed-log.ts";
import { createMemoryAccountingLog } from "../../support/memory-ports.ts";
import { asAdmin, basic, startApi } from "./rig.ts";

const sample = /^[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? \d+(\.\d+)?(e[+-]?\d+)?$/;

test("metrics count transfers, bytes, logins and refusals, and need no credentials", async (t) => {
  const metrics = new EventMetrics();
  const accounting = observedLog(createMemoryAccountingLog(), (event) => metrics.observe(event));
  const text = () => exposition([...metrics.metrics(), ...processMetrics()]);
  const { url } = await startApi(t, { accounting }, { metrics: text });
  await fetch(`${url}/v1/files?path=/secret-name.txt`, { ...asAdmin, method: "PUT", body: "12345" });
  await (await fetch(`${url}/v1/files?path=/secret-name.txt`, asAdmin)).text();
  await fetch(`${url}/v1/events`, { headers: { authorization: basic("acme") } });
  await fetch(`${url}/v1/events`, { headers: { authorization: basic("acme", "wrong") } });
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).trimEnd().split("\n");
  for (const expected of [
    'ferrygate_transfers_total{direction="upload",protocol="https",outcome="completed"} 1',
    'ferrygate_transfers_total{direction="download",protocol="https",outcome="completed"} 1',
    'ferrygate_transfer_bytes_total{direction="upload",protocol="https"} 5',
    'ferrygate_authentications_total{outcome="failed",protocol="https"} 1',
    'ferrygate_access_denied_total{protocol="https"} 1',
    "# TYPE ferrygate_transfers_total counter",
  ]) {
    assert.ok(lines.includes(expected), `${expected} in\n${lines.join("\n")}`);
  }
  for (const line of lines) assert.ok(line.startsWith("# ") || sample.test(line), line);
  assert.doesNotMatch(lines.join("\n"), /secret-name|acme|root|127\.0\.0\.1/);
});

test("labels are written as Prometheus reads them", () => {
  const samples = [{ labels: { version: 'a"b\\c\nd' }, value: 1 }];
  const text = exposition([{ name: "x_info", help: "About x.", type: "gauge", samples }]);
  assert.equal(text, '# HELP x_info About x.\n# TYPE x_info gauge\nx_info{version="a\\"b\\\\c\\nd"} 1\n');
});

test("an event that is not durable is not counted", async () => {
  const observed: AccountingEvent[] = [];
  const log = { ...createMemoryAccountingLog(), append: () => Promise.reject(new Error("the disk is full")) };
  const event = { id: "1", type: "server.started", time: "", server: "", protocol: "system", message: "", data: {} };
  await assert.rejects(observedLog(log, (seen) => observed.push(seen)).append(event as AccountingEvent));
  assert.deepEqual(observed, []);
});
