import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDirectoryObjectStore } from "../../../adapters/local/directory-object-store.ts";
import type { StoreUnderTest } from "../../contract/store-under-test.ts";

export interface DirectoryStoreUnderTest extends StoreUnderTest {
  readonly filesDirectory: string;
  readonly stagingDirectory: string;
}

/** A directory store in a temporary folder. */
export async function createDirectoryStoreUnderTest(
  options: { usesDescriptors?: boolean } = {},
): Promise<DirectoryStoreUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-store-"));
  const [filesDirectory, stagingDirectory] = [join(directory, "files"), join(directory, "staging")];
  const open = () => createDirectoryObjectStore({ filesDirectory, stagingDirectory, ...options });
  return {
    store: await open(),
    reopen: open,
    dispose: () => rm(directory, { recursive: true, force: true }),
    listsExactTimes: true,
    exactNames: process.platform !== "win32" && (await tellsNamesApart(directory)),
    filesDirectory,
    stagingDirectory,
  };
}

/** Whether the file system takes two spellings for two names, as those of Linux do. */
async function tellsNamesApart(directory: string): Promise<boolean> {
  await writeFile(join(directory, "é"), "");
  const others = await Promise.allSettled(["É", "e\u0301"].map((name) => stat(join(directory, name))));
  return others.every(({ status }) => status === "rejected");
}
