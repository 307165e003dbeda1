import assert from "node:assert/strict";
import { test } from "node:test";
import { serverCertificateOf } from "../../adapters/node/server-certificate.ts";
import { createCertificateWatch } from "../../gateway/certificate-watch.ts";
import { testTls } from "../support/ftps-server.ts";
import { createMemoryAccountingLog, createMemoryRuntime } from "../support/memory-ports.ts";

test("the tasks of a gateway put an expiring certificate on record together, once for each warning", async () => {
  const accounting = createMemoryAccountingLog();
  const { expiresAtMs, subject } = serverCertificateOf("ftps", testTls.certificate);
  let nowMs = expiresAtMs - 30 * 86_400_000;
  const runtime = { ...createMemoryRuntime(), now: () => nowMs };
  const watch = () => createCertificateWatch({ serverName: "mft", tls: () => testTls, accounting, runtime });
  const tasks = [watch(), watch()];
  for (const days of [30, 14, 13, 7, 1]) {
    nowMs = expiresAtMs - days * 86_400_000;
    for (const task of tasks) await task.check();
  }
  assert.deepEqual(
    accounting.events.map(({ type, data }) => [type, data.use, data.subject, data.days]),
    [14, 7, 1].map((days) => ["certificate.expiring", "ftps", subject, days]),
  );
  const without = createCertificateWatch({ serverName: "mft", tls: undefined, accounting, runtime });
  await without.check();
  assert.equal(accounting.events.length, 3);
});
