import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { pack as tarPack } from "tar-stream";
import { archives } from "../../../adapters/node/archives.ts";
import type { ArchiveFormat } from "../../../core/archive-format.ts";
import { FileError } from "../../../core/errors.ts";
import type { ObjectReader } from "../../../ports/object-store.ts";
import { zipOf } from "../../support/archive-samples.ts";
import { programOrSkip } from "../../support/require-program.ts";
import { mustRun } from "../../support/run-program.ts";

const formats = ["zip", "tar", "tar.gz"] as const;

function readerOf(content: Buffer): ObjectReader {
  return {
    entry: { type: "file", size: content.length, modifiedAtMs: 0, etag: "1" },
    read: async (target, position) => content.copy(target, 0, position, position + target.length),
    close: async () => {},
  };
}

async function* once(content: Buffer) {
  for (let start = 0; start < content.length; start += 1000) yield content.subarray(start, start + 1000);
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function packed(format: ArchiveFormat, content: Buffer, name = "ä b.txt"): Promise<Buffer> {
  const modifiedAtMs = Date.UTC(2026, 10, 22, 14, 13, 2);
  return collect(archives.pack(format, { name, bytes: content.length, modifiedAtMs, content: once(content) }));
}

async function unpacked(format: ArchiveFormat, archive: Buffer) {
  const entries: [string, string, string][] = [];
  for await (const { name, type, content } of archives.entries(format, readerOf(archive))) {
    entries.push([name, type, type === "file" ? `${await collect(content())}` : ""]);
  }
  return entries;
}

const refuses = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof FileError && error.code === code && message.test(error.message);

describe("an archive of one file", () => {
  for (const format of formats) {
    it(`comes back as it was: ${format}`, async () => {
      for (const content of [Buffer.alloc(0), Buffer.from("hello"), Buffer.alloc(300_000, "0123456789")]) {
        const archive = await packed(format, content);
        assert.deepEqual(await unpacked(format, archive), [["ä b.txt", "file", `${content}`]]);
        assert.deepEqual(await packed(format, content), archive, "the same file gives the same bytes");
      }
    });
  }

  it("tells what the content throws", async () => {
    for (const format of formats) {
      // biome-ignore lint/correctness/useYield: the store fails at once.
      const failing = (async function* () {
        throw new FileError("unavailable", "the disk is gone");
      })();
      const file = { name: "a", bytes: 5, modifiedAtMs: 0, content: failing };
      await assert.rejects(collect(archives.pack(format, file)), refuses("unavailable", /the disk is gone/), format);
    }
  });
});

describe("python's archives", { skip: programOrSkip("python3") }, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "ferrygate-archives-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it("are read, and ours are read by it", async () => {
    const content = Buffer.alloc(200_000, "Ferrygate ");
    for (const format of formats) {
      const file = join(directory, `ours.${format}`);
      await writeFile(file, await packed(format, content));
      const script =
        format === "zip"
          ? "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; " +
            "i=z.infolist()[0]; print(i.filename, i.date_time); sys.stdout.write(z.read(i).decode()[:10])"
          : "import sys,tarfile; t=tarfile.open(sys.argv[1]); i=t.getmembers()[0]; print(i.name, i.mtime); " +
            "sys.stdout.write(t.extractfile(i).read().decode()[:10])";
      const said = await mustRun("python3", ["-c", script, file], { env: { PYTHONIOENCODING: "utf-8" } });
      const time = format === "zip" ? "(2026, 11, 22, 14, 13, 2)" : "1795356782";
      assert.equal(said, `ä b.txt ${time}\nFerrygate `);
    }
  });

  it("are read where they are ZIP64", async () => {
    const file = join(directory, "large.zip");
    const script =
      "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED)\n" +
      "with z.open('a.txt','w',force_zip64=True) as f: f.write(b'sixty-four')\n" +
      "z.close()";
    await mustRun("python3", ["-c", script, file]);
    assert.deepEqual(await unpacked("zip", await readFile(file)), [["a.txt", "file", "sixty-four"]]);
  });
});

describe("a zip that is not as it should be", () => {
  const file = { name: "a.txt", content: Buffer.from("hello, hello, hello") };
  const cases: readonly (readonly [string, Buffer, string, RegExp])[] = [
    ["no zip", Buffer.from("hello"), "integrity", /damaged or no zip/],
    ["nothing", Buffer.alloc(0), "integrity", /damaged or no zip/],
    ["cut off", zipOf([file]).subarray(0, -30), "integrity", /damaged or no zip/],
    ["cut off in front", zipOf([file]).subarray(10), "integrity", /damaged or no zip/],
    ["with a wrong checksum", zipOf([{ ...file, checksum: 1 }]), "integrity", /"a.txt" does not have its checksum/],
    ["with a file longer than it says", zipOf([{ ...file, bytes: 5 }]), "integrity", /damaged/],
    ["with a file shorter than it says", zipOf([{ ...file, bytes: 500 }]), "integrity", /damaged/],
    ["encrypted", zipOf([{ ...file, flags: 0x0801 }]), "unsupported", /"a.txt" is encrypted/],
    ["packed by something else", zipOf([{ ...file, method: 12 }]), "unsupported", /method 12/],
    ["with entries that share bytes", zipOf([file, { ...file, name: "b.txt", offset: 0 }]), "integrity", /overlaps/],
    ["that leads elsewhere", zipOf([{ ...file, offset: 1_000_000 }]), "integrity", /damaged/],
  ];
  for (const [what, archive, code, message] of cases) {
    it(`is refused: ${what}`, () => assert.rejects(unpacked("zip", archive), refuses(code, message)));
  }

  it("tells of links and devices, and keeps names as they are", async () => {
    const archive = zipOf([
      { ...file, attributes: (0o120777 << 16) >>> 0 },
      { ...file, name: "dev", attributes: (0o020666 << 16) >>> 0 },
      { ...file, name: "d/", content: Buffer.alloc(0) },
      { ...file, name: "..\\x" },
      { ...file, name: "/abs" },
    ]);
    const entries = await unpacked("zip", archive);
    assert.deepEqual(
      entries.map(([name, type]) => `${name} ${type}`),
      ["a.txt link", "dev special", "d/ directory", "..\\x file", "/abs file"],
    );
  });
});

describe("a tar that is not as it should be", () => {
  async function tarWith(fill: (pack: ReturnType<typeof tarPack>) => void): Promise<Buffer> {
    const pack = tarPack();
    fill(pack);
    pack.finalize();
    return collect(pack as AsyncIterable<Uint8Array>);
  }
  const two = () =>
    tarWith((pack) => {
      pack.entry({ name: "a" }, Buffer.alloc(2000, "a"));
      pack.entry({ name: "b" }, "b");
    });

  it("is refused", async () => {
    const good = await two();
    const flipped = Buffer.from(good);
    flipped[3] = 0x41;
    const cases: readonly (readonly [string, ArchiveFormat, Buffer])[] = [
      ["no tar", "tar", Buffer.from("hello".repeat(200))],
      ["nothing", "tar", Buffer.alloc(0)],
      ["zeros", "tar", Buffer.alloc(1024)],
      ["cut off in a file", "tar", good.subarray(0, 1000)],
      ["with a wrong header", "tar", flipped],
      ["no gzip", "tar.gz", good],
      ["gzip that is cut off", "tar.gz", gzipSync(good).subarray(0, -10)],
    ];
    for (const [what, format, archive] of cases) {
      await assert.rejects(unpacked(format, archive), refuses("integrity", /./), what);
    }
  });

  it("tells of links and devices", async () => {
    const archive = await tarWith((pack) => {
      pack.entry({ name: "l", type: "symlink", linkname: "/etc" });
      pack.entry({ name: "h", type: "link", linkname: "l" });
      pack.entry({ name: "c", type: "character-device" });
      pack.entry({ name: "f", type: "fifo" });
      pack.entry({ name: "d", type: "directory" });
    });
    const types = (await unpacked("tar", archive)).map(([, type]) => type);
    assert.deepEqual(types, ["link", "link", "special", "special", "directory"]);
  });

  it("lets files be passed over", async () => {
    const names: string[] = [];
    for await (const { name } of archives.entries("tar", readerOf(await two()))) names.push(name);
    assert.deepEqual(names, ["a", "b"]);
  });
});
