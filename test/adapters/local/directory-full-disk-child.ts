import { createDirectoryObjectStore } from "../../../adapters/local/directory-object-store.ts";
import { FileError } from "../../../core/errors.ts";

/** Writes more than the process may, then tries to publish it all the same; prints how each step ended. */
const [filesDirectory = "", stagingDirectory = ""] = process.argv.slice(2);
const store = await createDirectoryObjectStore({ filesDirectory, stagingDirectory });
const writer = await store.openWrite("a", "transfer");
await writer.write(Buffer.alloc(1000));
const write = await codeOf(() => writer.write(Buffer.alloc(1_000_000)));
const flush = await codeOf(() => writer.flush());
const publish = await codeOf(() => writer.publish({}));
const { entries } = await store.list("", { limit: 10 });
console.log(JSON.stringify({ write, publish, flush, list: entries }));

async function codeOf(step: () => Promise<unknown>): Promise<string> {
  try {
    await step();
    return "done";
  } catch (error) {
    return error instanceof FileError ? error.code : String(error);
  }
}
