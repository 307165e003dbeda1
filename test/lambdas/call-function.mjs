/**
 * Stands for Lambda's runtime in a process of its own: `node call-function.mjs FILE` imports the bundle, calls its
 * handler with the event on standard input and writes `{"answer"|"error", "importMs", "callMs", "cpuMs"}` as its last
 * line; the processor time is that of the whole process.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const event = JSON.parse(readFileSync(0, "utf8"));
const context = { awsRequestId: "1", functionName: "function", getRemainingTimeInMillis: () => 900_000 };
const startMs = performance.now();
let importMs = 0;
let callMs = 0;
const outcome = await call();
const { user, system } = process.cpuUsage();
const line = JSON.stringify({ ...outcome, importMs, callMs, cpuMs: (user + system) / 1000 });
// A pipe takes a long line in pieces.
process.stdout.write(`\n${line}\n`, () => process.exit(0));

async function call() {
  try {
    const { handler } = await import(pathToFileURL(process.argv[2]).href);
    importMs = performance.now() - startMs;
    const answer = await handler(event, context);
    callMs = performance.now() - startMs - importMs;
    return { answer };
  } catch (error) {
    return { error: `${error}` };
  }
}
