import { createDirectoryObjectStore } from "../../../adapters/local/directory-object-store.ts";
import { newTransferId } from "../../contract/object-content.ts";
import { randomFrom } from "../../support/random.ts";
import { contentOf } from "./directory-crash-content.ts";

/** Uploads until it is killed. Says `started` before a publish and `done` after it, at once and for good. */
const [filesDirectory = "", stagingDirectory = "", seed = "0"] = process.argv.slice(2);
const store = await createDirectoryObjectStore({ filesDirectory, stagingDirectory });
const workers = 4;

await Promise.all(Array.from({ length: workers }, (_, worker) => uploadForEver(worker)));

async function uploadForEver(worker: number): Promise<void> {
  const random = randomFrom(Number(seed) * workers + worker);
  for (let version = Number(seed) * 1_000_000; ; version += 1) {
    const exclusive = random() < 0.3;
    const objectKey = exclusive ? `once/${worker}/${version}` : `again/${worker}`;
    await upload({ objectKey, version, size: Math.floor(random() ** 3 * 1_000_000), exclusive });
  }
}

async function upload(file: { objectKey: string; version: number; size: number; exclusive: boolean }): Promise<void> {
  const { objectKey, version, size, exclusive } = file;
  const transferId = newTransferId();
  const writer = await store.openWrite(objectKey, transferId);
  const content = contentOf(objectKey, version, size);
  for (let start = 0; start < content.length; start += 50_000) {
    await writer.write(content.subarray(start, start + 50_000));
  }
  say("started", objectKey, version, transferId);
  await writer.publish({ exclusive });
  say("done", objectKey, version, transferId);
}

function say(...words: readonly (string | number)[]): void {
  process.stdout.write(`${words.join(" ")}\n`);
}
