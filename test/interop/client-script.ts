import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  disposeProduct,
  type Product,
  startProduct,
  type TestIdentity,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

/** What the script needs to know to reach the server as `tester`. */
export interface Site {
  readonly product: Product;
  readonly identity: TestIdentity;
  /** A folder for the client's own files. */
  readonly work: string;
}

/** One real client program, as commands. Absent abilities are those that the program does not have. */
export interface ClientProgram {
  readonly put: (site: Site, local: string, remote: string) => Promise<void>;
  readonly get: (site: Site, remote: string, local: string) => Promise<void>;
  readonly list: (site: Site, remote: string) => Promise<string[]>;
  readonly makeDirectory?: (site: Site, remote: string) => Promise<void>;
  readonly removeDirectory?: (site: Site, remote: string) => Promise<void>;
  readonly removeFile?: (site: Site, remote: string) => Promise<void>;
  readonly rename?: (site: Site, from: string, to: string) => Promise<void>;
  readonly putTree?: (site: Site, local: string, remote: string) => Promise<void>;
  readonly getTree?: (site: Site, remote: string, local: string) => Promise<void>;
  readonly resumePut?: (site: Site, local: string, remote: string) => Promise<void>;
  readonly resumeGet?: (site: Site, remote: string, local: string) => Promise<void>;
}

const awkwardNames = [
  "with space.txt",
  "naïve café.txt",
  "文件 🗂.bin",
  "quote'd.txt",
  "semi;colon&.txt",
  "UPPER.TXT",
  "-leading dash",
];

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Compares byte by byte, which costs a third of one digest. */
async function haveSameContent(file: string, other: string): Promise<boolean> {
  const handles = await Promise.all([open(file), open(other)]);
  const pieces = handles.map(() => Buffer.alloc(1024 * 1024)) as [Buffer, Buffer];
  try {
    for (;;) {
      const [read, otherRead] = await Promise.all([readWhole(handles[0], pieces[0]), readWhole(handles[1], pieces[1])]);
      if (read !== otherRead || !pieces[0].subarray(0, read).equals(pieces[1].subarray(0, read))) return false;
      if (read < pieces[0].length) return true;
    }
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** Fills the buffer, unless the file ends before. Answers how many bytes have come. */
async function readWhole(handle: FileHandle, buffer: Buffer): Promise<number> {
  let bytes = 0;
  for (let read = -1; read !== 0 && bytes < buffer.length; bytes += read) {
    ({ bytesRead: read } = await handle.read(buffer, bytes, buffer.length - bytes));
  }
  return bytes;
}

/** A file of random content; large ones repeat one random megabyte, with its number at the start of each. */
export async function writeRandomFile(file: string, sizeBytes: number): Promise<void> {
  const block = randomBytes(Math.min(sizeBytes, 1024 * 1024));
  const handle = await open(file, "w");
  for (let written = 0; written < sizeBytes; written += block.length) {
    if (block.length >= 8) block.writeBigUInt64LE(BigInt(written));
    await handle.write(block, 0, Math.min(block.length, sizeBytes - written));
  }
  await handle.close();
}

/**
 * One script of file operations, run with every real client over one server. `skip` is the reason why the program is
 * not here; each test then counts as skipped. `largestBytes` is the size up to which files are put and got.
 */
export function clientScript(
  name: string,
  client: ClientProgram,
  skip: string | false,
  largestBytes = 1024 ** 3,
): void {
  describe(name, { skip, concurrency: 1 }, () => {
    let site: Site;
    before(async () => {
      const directory = await temporaryDirectory();
      const identity = await writeIdentity(directory);
      const product = await startProduct({ directory, configuration: await testConfiguration(identity.publicKey) });
      const work = join(directory, "work");
      await mkdir(work);
      site = { product, identity, work };
    });
    after(() => disposeProduct(site.product));
    const stored = (path: string) => join(site.product.dataDirectory, "files", "tester", path);

    sizeTests({ client, largestBytes }, () => site, stored);
    contentTests(client, () => site, stored);
    resumeTests(client, () => site, stored);
    folderTests(client, () => site, stored);
    treeTests(client, () => site, stored);
  });
}

type GetSite = () => Site;
type Stored = (path: string) => string;

const sizes = [
  ["an empty file", 0],
  ["one byte", 1],
  ["5,000,001 bytes", 5_000_001],
  ["1 GiB", 1024 ** 3],
] as const;

type Sized = { readonly client: ClientProgram; readonly largestBytes: number };

function sizeTests({ client, largestBytes }: Sized, site: GetSite, stored: Stored): void {
  for (const [title, sizeBytes] of sizes.filter(([, bytes]) => bytes <= largestBytes)) {
    it(`puts and gets ${title}`, async () => {
      const local = join(site().work, "content.bin");
      const back = join(site().work, "back.bin");
      await writeRandomFile(local, sizeBytes);
      await client.put(site(), local, "/content.bin");
      assert.ok(await haveSameContent(stored("content.bin"), local));
      await client.get(site(), "/content.bin", back);
      assert.ok(await haveSameContent(back, local));
      const expected = await sha256Of(local);
      const [event] = (await site().product.events("type=transfer.completed&path=/content.bin&order=desc")).filter(
        ({ data }) => data.direction === "upload",
      );
      assert.deepEqual([event?.data.bytes, event?.data.sha256], [sizeBytes, expected]);
      await Promise.all([local, back].map((file) => rm(file)));
    });
  }
}

function contentTests(client: ClientProgram, site: GetSite, stored: Stored): void {
  it("replaces a file with a shorter one", async () => {
    const local = join(site().work, "replace.txt");
    await writeFile(local, "a rather long content\n");
    await client.put(site(), local, "/replace.txt");
    await writeFile(local, "short\n");
    await client.put(site(), local, "/replace.txt");
    assert.equal(await readFile(stored("replace.txt"), "utf8"), "short\n");
  });

  it("keeps names with spaces and Unicode as they are", async () => {
    for (const name of awkwardNames) {
      const local = join(site().work, name);
      await writeFile(local, `content of ${name}`);
      await client.put(site(), local, `/${name}`);
      assert.equal(await readFile(stored(name), "utf8"), `content of ${name}`);
      await client.get(site(), `/${name}`, `${local}.back`);
      assert.equal(await readFile(`${local}.back`, "utf8"), `content of ${name}`);
    }
    const names = await client.list(site(), "/");
    for (const name of awkwardNames) assert.ok(names.includes(name), `${name} is listed among ${names.join(" | ")}`);
  });
}

function resumeTests(client: ClientProgram, site: GetSite, stored: Stored): void {
  const { resumePut, resumeGet } = client;
  it("resumes an upload behind what is there", { skip: !resumePut && "the program has no such command" }, async () => {
    const local = join(site().work, "resume-up.bin");
    await writeRandomFile(local, 3_000_000);
    await client.put(site(), local, "/resume-up.bin");
    await truncate(stored("resume-up.bin"), 1_234_567);
    await resumePut?.(site(), local, "/resume-up.bin");
    assert.equal(await sha256Of(stored("resume-up.bin")), await sha256Of(local));
  });

  it("resumes a download behind what is there", { skip: !resumeGet && "the program has no such command" }, async () => {
    const local = join(site().work, "resume-down.bin");
    await writeRandomFile(local, 3_000_000);
    await client.put(site(), local, "/resume-down.bin");
    const expected = await sha256Of(local);
    await truncate(local, 1_234_567);
    await resumeGet?.(site(), "/resume-down.bin", local);
    assert.equal(await sha256Of(local), expected);
  });
}

function folderTests(client: ClientProgram, site: GetSite, stored: Stored): void {
  const { makeDirectory, removeDirectory, removeFile, rename } = client;
  it("makes, renames and removes folders", { skip: !makeDirectory && "the program has no such command" }, async () => {
    await makeDirectory?.(site(), "/made");
    assert.ok((await stat(stored("made"))).isDirectory());
    await rename?.(site(), "/made", "/moved");
    await removeDirectory?.(site(), rename ? "/moved" : "/made");
    await assert.rejects(stat(stored(rename ? "moved" : "made")), { code: "ENOENT" });
  });

  it("renames and removes files", { skip: !rename && "the program has no such command" }, async () => {
    const local = join(site().work, "rename.txt");
    await writeFile(local, "renamed");
    await client.put(site(), local, "/before.txt");
    await rename?.(site(), "/before.txt", "/after it.txt");
    assert.equal(await readFile(stored("after it.txt"), "utf8"), "renamed");
    await removeFile?.(site(), "/after it.txt");
    await assert.rejects(stat(stored("after it.txt")), { code: "ENOENT" });
  });

  it("lists 10,000 entries", async () => {
    await mkdir(stored("many"));
    const names = Array.from({ length: 10_000 }, (_, index) => `entry-${String(index).padStart(5, "0")}.dat`);
    for (const name of names) await writeFile(join(stored("many"), name), "");
    const listed = (await client.list(site(), "/many")).filter((name) => name !== "." && name !== "..").sort();
    assert.deepEqual(listed, names);
    await rm(stored("many"), { recursive: true });
  });
}

function treeTests(client: ClientProgram, site: GetSite, stored: Stored): void {
  const { putTree, getTree } = client;
  it("puts and gets a tree", { skip: !putTree && "the program has no such command" }, async () => {
    const files = ["a.txt", "sub/b.txt", "sub/deep er/c ü.txt", "empty file"];
    const local = join(site().work, "tree");
    for (const file of files) {
      await mkdir(join(local, file, ".."), { recursive: true });
      await writeFile(join(local, file), `content of ${file}`);
    }
    await putTree?.(site(), local, "/tree");
    const back = join(site().work, "tree-back");
    await getTree?.(site(), "/tree", back);
    for (const file of files) {
      assert.equal(await readFile(join(stored("tree"), file), "utf8"), `content of ${file}`);
      assert.equal(await readFile(join(back, file), "utf8"), `content of ${file}`);
    }
  });
}
