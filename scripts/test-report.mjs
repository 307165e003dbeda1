/** node's own report of a test run, followed by what was skipped and why, and the counts. */

import { relative } from "node:path";
import { Readable } from "node:stream";
import { spec as Spec } from "node:test/reporters";

// biome-ignore lint/style/noDefaultExport: node --test-reporter takes the default export.
export default async function* report(events) {
  const testsByReason = new Map();
  const counts = [];
  yield* Readable.from(withoutCounts(events, testsByReason, counts)).pipe(new Spec());
  if (testsByReason.size > 0) yield "\nSkipped:\n";
  for (const [reason, tests] of testsByReason) yield `  ${reason}\n${tests.map((test) => `    ${test}\n`).join("")}`;
  yield `\n${counts.map((count) => `# ${count}\n`).join("")}`;
}

async function* withoutCounts(events, testsByReason, counts) {
  for await (const event of events) {
    const { data } = event;
    if (event.type === "test:pass" && data.skip !== undefined) {
      const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason given";
      testsByReason.set(reason, [...(testsByReason.get(reason) ?? []), `${relative("", data.file)}: ${data.name}`]);
    }
    // The counts are the diagnostics that belong to no test; they come last, and are shown after the skipped tests.
    if (event.type === "test:diagnostic" && data.file === undefined) counts.push(data.message);
    else yield event;
  }
}
