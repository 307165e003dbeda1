import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import type { RemoteContent, RemoteSite, RemoteWrite, VersionPin } from "../../ports/remote-site.ts";
import { refuses } from "./refusal.ts";

export interface SiteUnderTest {
  open(): Promise<RemoteSite>;
  /** A file of the site, read behind its back; undefined where there is none. */
  stored(path: string): Promise<Buffer | undefined>;
  /** Puts a file there behind its back. Its folder is there. */
  put(path: string, content: Buffer): Promise<void>;
  /** What the site holds unseen of writes that were cut off. */
  unfinished?(): Promise<readonly string[]>;
  /** What the site cannot do. */
  readonly lacks?: readonly ("list" | "rename" | "folders" | "exclusive-write" | "versions")[];
  dispose(): Promise<void>;
}

const at = parseVirtualPath;

const pieceBytes = 100_000;

function pieces(content: Buffer): RemoteContent {
  return async function* (offset) {
    for (let from = offset; from < content.length; from += pieceBytes) yield content.subarray(from, from + pieceBytes);
  };
}

const largestPartBytes = 8 * 1024 * 1024 + pieceBytes;

/** The content, and how much of it was asked for to be sent. */
function countedContent(content: Buffer): { readonly content: RemoteContent; readonly sent: () => number } {
  let sent = 0;
  return {
    content: async function* (offset, purpose) {
      for await (const piece of pieces(content)(offset, purpose)) {
        if (purpose === "send") sent += piece.length;
        yield piece;
      }
    },
    sent: () => sent,
  };
}

function cutAt(content: Buffer, bytes: number): RemoteContent {
  return async function* (offset, purpose) {
    yield* pieces(content.subarray(0, bytes))(offset, purpose);
    throw new Error("cut off");
  };
}

function rememberedWrite() {
  const memory = {
    token: undefined as string | undefined,
    keep: async (token: string) => {
      memory.token = token;
    },
  };
  return memory;
}

function writing(content: Buffer, changes: Partial<RemoteWrite> = {}): RemoteWrite {
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { offset: 0, bytes: content.length, sha256, overwrite: true, ...changes };
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

/** Servers may still put away what they have received when a connection is gone. */
async function sizeAtRest(site: RemoteSite, path: string): Promise<number> {
  for (let before = -1; ; ) {
    const bytes = (await site.stat(at(path)))?.bytes ?? 0;
    if (bytes === before) return bytes;
    before = bytes;
    await delay(100);
  }
}

async function namesIn(site: RemoteSite, folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of site.list(at(folder))) names.push(name);
  return names.sort();
}

/** What every adapter of RemoteSite does. */
export function describeRemoteSite(name: string, skip: string | false, start: () => Promise<SiteUnderTest>): void {
  describe(`a remote site: ${name}`, { skip }, () => {
    let under: SiteUnderTest;
    let site: RemoteSite;
    const content = randomBytes(1_500_001);
    before(async () => {
      under = await start();
      site = await under.open();
    });
    after(async () => {
      site?.close();
      await under?.dispose();
    });
    const lacks = (what: NonNullable<SiteUnderTest["lacks"]>[number]) => under.lacks?.includes(what) === true;

    it("holds what was written, and says how large it is", async () => {
      await site.write(at("/whole.bin"), pieces(content), writing(content));
      assert.ok(content.equals((await under.stored("/whole.bin")) ?? Buffer.alloc(0)));
      const entry = await site.stat(at("/whole.bin"));
      assert.deepEqual([entry?.name, entry?.type, entry?.bytes], ["whole.bin", "file", content.length]);
      assert.ok(content.equals(await bytesOf(site.read(at("/whole.bin"), 0))));
    });

    it("holds an empty file", async () => {
      await site.write(at("/empty.bin"), pieces(Buffer.alloc(0)), writing(Buffer.alloc(0)));
      assert.equal((await site.stat(at("/empty.bin")))?.bytes, 0);
      assert.equal((await bytesOf(site.read(at("/empty.bin"), 0))).length, 0);
    });

    it("reads from any place on", async () => {
      await site.write(at("/part.bin"), pieces(content), writing(content));
      for (const offset of [1, 32_768, 999_999, content.length - 1]) {
        const read = await bytesOf(site.read(at("/part.bin"), offset));
        assert.ok(content.subarray(offset).equals(read), `from ${offset}`);
      }
    });

    it("gives no other version than the one that a read began with, where it can tell", async () => {
      await site.write(at("/pinned.bin"), pieces(content), writing(content));
      const pin: VersionPin = { version: undefined };
      const other = await under.open();
      for await (const piece of other.read(at("/pinned.bin"), 0, pin)) if (piece.length > 0) break;
      other.close();
      const rest = await bytesOf(site.read(at("/pinned.bin"), 1_000_000, pin));
      assert.ok(content.subarray(1_000_000).equals(rest));
      const replacement = randomBytes(content.length);
      await site.write(at("/pinned.bin"), pieces(replacement), writing(replacement));
      const again = bytesOf(site.read(at("/pinned.bin"), 1_000_000, pin));
      if (site.appearance === "whole" && !lacks("versions")) await refuses("integrity", again);
      else assert.equal((await again).length, content.length - 1_000_000);
    });

    it("knows nothing of what is not there", async () => {
      assert.equal(await site.stat(at("/missing.bin")), undefined);
      await refuses("not-found", bytesOf(site.read(at("/missing.bin"), 0)));
      await site.remove(at("/missing.bin"));
    });

    it("removes a file", async () => {
      await site.write(at("/removed.bin"), pieces(content), writing(content));
      await site.remove(at("/removed.bin"));
      assert.equal(await under.stored("/removed.bin"), undefined);
    });

    it("removes and renames the version that was read and no other, where it can tell", async () => {
      if (site.appearance === "gradual" || lacks("versions")) return;
      await site.write(at("/bound.bin"), pieces(content), writing(content));
      const pin: VersionPin = { version: undefined };
      await bytesOf(site.read(at("/bound.bin"), 0, pin));
      const replacement = randomBytes(content.length);
      await site.write(at("/bound.bin"), pieces(replacement), writing(replacement));
      await refuses("integrity", site.remove(at("/bound.bin"), pin));
      await refuses("integrity", site.rename(at("/bound.bin"), at("/bound-2.bin"), { overwrite: false, pin }));
      assert.ok(replacement.equals((await under.stored("/bound.bin")) ?? Buffer.alloc(0)));
      const newer: VersionPin = { version: undefined };
      await bytesOf(site.read(at("/bound.bin"), 0, newer));
      await site.rename(at("/bound.bin"), at("/bound-2.bin"), { overwrite: false, pin: newer });
      const moved: VersionPin = { version: undefined };
      await bytesOf(site.read(at("/bound-2.bin"), 0, moved));
      await site.remove(at("/bound-2.bin"), moved);
      assert.deepEqual([await under.stored("/bound.bin"), await under.stored("/bound-2.bin")], [undefined, undefined]);
      await site.remove(at("/bound-2.bin"), moved);
    });

    it("writes over a longer file", async () => {
      const short = content.subarray(0, 1000);
      await site.write(at("/over.bin"), pieces(content), writing(content));
      await site.write(at("/over.bin"), pieces(short), writing(short));
      assert.ok(short.equals((await under.stored("/over.bin")) ?? Buffer.alloc(0)));
    });

    it("takes names that are not plain", async () => {
      const path = "/größe & 100% #1 (a+b);x=y.bin";
      await site.write(at(path), pieces(content), writing(content));
      assert.ok(content.equals((await under.stored(path)) ?? Buffer.alloc(0)));
      assert.equal((await site.stat(at(path)))?.bytes, content.length);
      assert.ok(content.equals(await bytesOf(site.read(at(path), 0))));
    });

    it("goes on behind what is there, where a file appears gradually", async () => {
      if (site.appearance === "whole") return;
      await under.put("/resumed.bin", content.subarray(0, 700_000));
      await site.write(at("/resumed.bin"), pieces(content), writing(content, { offset: 700_000 }));
      assert.ok(content.equals((await under.stored("/resumed.bin")) ?? Buffer.alloc(0)));
    });

    it("goes on behind what a broken connection has left, where a file appears gradually", async () => {
      if (site.appearance === "whole") return;
      const large = randomBytes(30_000_000);
      const first = countedContent(large);
      const other = await under.open();
      const cut: RemoteContent = async function* (offset, purpose) {
        for await (const piece of first.content(offset, purpose)) {
          yield piece;
          if (first.sent() > 20_000_000) other.close();
        }
      };
      await refuses("unavailable", other.write(at("/broken.bin"), cut, writing(large)));
      const offset = await sizeAtRest(site, "/broken.bin");
      const second = countedContent(large);
      await site.write(at("/broken.bin"), second.content, writing(large, { offset }));
      assert.ok(large.equals((await under.stored("/broken.bin")) ?? Buffer.alloc(0)));
      const sent = first.sent() + second.sent();
      assert.ok(sent < large.length * 1.5, `${sent} bytes for ${large.length}`);
    });

    it("leaves nothing of a write that was cut off, where a file appears whole", async () => {
      if (site.appearance === "gradual") return;
      async function* cutOff() {
        yield content.subarray(0, 500_000);
        throw new Error("cut off");
      }
      const other = await under.open();
      await assert.rejects(other.write(at("/cut.bin"), cutOff, writing(content)));
      other.close();
      assert.equal(await under.stored("/cut.bin"), undefined);
    });

    it("goes on with a write that was cut off in parts, where it holds them unseen", async () => {
      if (!site.unfinished) return;
      const large = randomBytes(30_000_000);
      const memory = rememberedWrite();
      const first = countedContent(large);
      const other = await under.open();
      const cut: RemoteContent = async function* (offset, purpose) {
        for await (const piece of first.content(offset, purpose)) {
          yield piece;
          if (first.sent() > 20_000_000) other.close();
        }
      };
      const options = writing(large, { continuation: memory });
      await refuses("unavailable", other.write(at("/parts.bin"), cut, options));
      other.close();
      assert.equal(await under.stored("/parts.bin"), undefined);
      const second = countedContent(large);
      await site.write(at("/parts.bin"), second.content, options);
      assert.ok(large.equals((await under.stored("/parts.bin")) ?? Buffer.alloc(0)));
      const sent = first.sent() + second.sent();
      assert.ok(sent < large.length + largestPartBytes, `${sent} bytes for ${large.length}`);
    });

    it("does not go on behind parts of another content", async () => {
      if (!site.unfinished) return;
      const [one, other] = [randomBytes(20_000_000), randomBytes(20_000_000)];
      const memory = rememberedWrite();
      const broken = writing(one, { continuation: memory });
      await assert.rejects(site.write(at("/other.bin"), cutAt(one, 18_000_000), broken));
      const again = countedContent(other);
      const options = writing(other, { continuation: memory });
      await site.write(at("/other.bin"), again.content, options);
      assert.equal(again.sent(), other.length);
      assert.ok(other.equals((await under.stored("/other.bin")) ?? Buffer.alloc(0)));
    });

    it("gives up what it holds unseen, and begins anew behind that", async () => {
      if (!site.unfinished) return;
      const large = randomBytes(20_000_000);
      const memory = rememberedWrite();
      const options = writing(large, { continuation: memory });
      await assert.rejects(site.write(at("/given-up.bin"), cutAt(large, 18_000_000), options));
      const token = memory.token ?? "";
      await site.unfinished.discard(at("/given-up.bin"), token);
      await site.unfinished.discard(at("/given-up.bin"), token);
      assert.deepEqual(await under.unfinished?.(), []);
      const again = countedContent(large);
      await site.write(at("/given-up.bin"), again.content, options);
      assert.equal(again.sent(), large.length);
      assert.deepEqual(await under.unfinished?.(), []);
    });

    it("refuses to write over a file that is not to be replaced, where a file appears whole", async () => {
      if (site.appearance === "gradual" || lacks("exclusive-write")) return;
      await under.put("/taken.bin", Buffer.from("there"));
      const attempt = site.write(at("/taken.bin"), pieces(content), writing(content, { overwrite: false }));
      await refuses("already-exists", attempt);
      assert.equal((await under.stored("/taken.bin"))?.toString(), "there");
    });

    it("renames a file, and replaces none unless it is told to", async () => {
      if (lacks("rename")) return;
      await site.write(at("/from.bin"), pieces(content), writing(content));
      await under.put("/to.bin", Buffer.from("there"));
      await refuses("already-exists", site.rename(at("/from.bin"), at("/to.bin"), { overwrite: false }));
      assert.equal((await under.stored("/to.bin"))?.toString(), "there");
      await site.rename(at("/from.bin"), at("/to.bin"), { overwrite: true });
      assert.ok(content.equals((await under.stored("/to.bin")) ?? Buffer.alloc(0)));
      assert.equal(await under.stored("/from.bin"), undefined);
      await site.rename(at("/to.bin"), at("/renamed.bin"), { overwrite: false });
      assert.equal(await under.stored("/to.bin"), undefined);
      await refuses("not-found", site.rename(at("/missing.bin"), at("/x.bin"), { overwrite: false }));
    });

    it("makes the folders of a path", async () => {
      if (lacks("folders")) return;
      await site.write(at("/new/deep/a.bin"), pieces(content), writing(content));
      assert.ok(content.equals((await under.stored("/new/deep/a.bin")) ?? Buffer.alloc(0)));
      if (lacks("rename")) return;
      await site.rename(at("/new/deep/a.bin"), at("/newer/deep/b.bin"), { overwrite: false });
      assert.ok(content.equals((await under.stored("/newer/deep/b.bin")) ?? Buffer.alloc(0)));
    });

    it("lists a folder, and not what is below it", async () => {
      if (lacks("list")) return;
      const names = ["a.txt", "b c.txt", "ü.txt"];
      for (const one of names) await site.write(at(`/listed/${one}`), pieces(content), writing(content));
      await site.write(at("/listed/below/x.txt"), pieces(content), writing(content));
      const found = new Map<string, { type: string; bytes: number }>();
      for await (const { name: one, type, bytes } of site.list(at("/listed"))) found.set(one, { type, bytes });
      for (const one of names) assert.deepEqual(found.get(one), { type: "file", bytes: content.length });
      assert.deepEqual([...found.keys()].filter((one) => one !== "below").sort(), names);
      assert.notEqual(found.get("below")?.type, "file");
      assert.equal((await namesIn(site, "/")).includes("listed"), found.has("below"));
    });

    it("goes on after refusals", async () => {
      await site.write(at("/last.bin"), pieces(content), writing(content));
      assert.ok(content.equals((await under.stored("/last.bin")) ?? Buffer.alloc(0)));
    });

    it("ends what is under way when it is closed", async () => {
      const other = await under.open();
      async function* slow() {
        yield content.subarray(0, 1000);
        setImmediate(() => other.close());
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield* pieces(content)(1000, "send");
      }
      await refuses("unavailable", other.write(at("/closed.bin"), slow, writing(content)));
      other.close();
    });
  });
}
