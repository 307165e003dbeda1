import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as openpgp from "openpgp";
import { createOpenPgp } from "../../../adapters/node/openpgp.ts";
import { type PgpKeyMaterial, usableKey } from "../../../adapters/node/pgp-keys.ts";
import { FileError } from "../../../core/errors.ts";
import { messageWithoutProtection } from "../../support/bare-pgp-message.ts";
import { programOrSkip } from "../../support/require-program.ts";
import { mustRun } from "../../support/run-program.ts";

const passphrase = "open sesame";

async function generated(name: string, more: { keyExpirationTime?: number; date?: Date } = {}) {
  const pair = await openpgp.generateKey({ userIDs: [{ name, email: `${name}@example.com` }], passphrase, ...more });
  return { name, publicKey: pair.publicKey, privateKey: pair.privateKey };
}

async function* once(content: Buffer, size = 10_000) {
  for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size);
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const refuses = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof FileError && error.code === code && message.test(error.message);

const ours = await generated("ours");
const theirs = await generated("theirs");
const strangers = await generated("stranger");
const keys: readonly PgpKeyMaterial[] = [
  { name: "ours", privateKey: ours.privateKey, passphrase },
  { name: "theirs", publicKey: theirs.publicKey },
];
const pgp = createOpenPgp(() => keys);
const partner = createOpenPgp(() => [
  { name: "theirs", privateKey: theirs.privateKey, passphrase },
  { name: "ours", publicKey: ours.publicKey },
  { name: "stranger", publicKey: strangers.publicKey },
]);
const content = Buffer.alloc(300_000, "what partners send ");
const toUs = { recipients: ["ours"], signer: "theirs", armor: false };
const fromThem = { recipients: ["ours"], signedBy: ["theirs"] };

/** A store that fails after so many pieces. */
async function* broken(whole: Buffer, pieces: number) {
  let index = 0;
  for await (const piece of once(whole)) {
    if (index === pieces) throw new FileError("unavailable", "the store is gone");
    index += 1;
    yield piece;
  }
}

describe("an OpenPGP message", () => {
  it("fails as its source does, wherever that breaks off, and leaves nothing behind that fails", async () => {
    const message = await collect(partner.encrypt(once(content), { ...toUs, armor: false }));
    for (const pieces of [0, 1, 3]) {
      const unsigned = { recipients: ["theirs"], signer: undefined, armor: false };
      await assert.rejects(collect(pgp.encrypt(broken(content, pieces), unsigned)), refuses("unavailable", /gone/));
      await assert.rejects(collect(pgp.encrypt(broken(content, pieces), { ...unsigned, signer: "ours" })), /gone/);
      const source = broken(Buffer.concat([message, randomBytes(100_000)]), Math.min(pieces, 1));
      await assert.rejects(collect(pgp.decrypt(source, fromThem)), refuses("unavailable", /gone/));
      await assert.rejects(pgp.verifyDetached(broken(content, pieces), message, ["theirs"]), /gone|OpenPGP/);
    }
  });

  it("is read by whom it is for, with and without armor and signature", async () => {
    for (const armor of [false, true]) {
      const message = await collect(partner.encrypt(once(content), { ...toUs, armor }));
      assert.equal(message.toString("latin1").startsWith("-----BEGIN PGP MESSAGE"), armor);
      assert.deepEqual(await collect(pgp.decrypt(once(message), fromThem)), content);
      assert.deepEqual(await collect(pgp.decrypt(once(message), { recipients: ["ours"], signedBy: [] })), content);
    }
    const unsigned = await collect(
      pgp.encrypt(once(content), { recipients: ["theirs"], signer: undefined, armor: false }),
    );
    assert.deepEqual(await collect(partner.decrypt(once(unsigned), { recipients: ["theirs"], signedBy: [] })), content);
    const wanted = { recipients: ["theirs"], signedBy: ["ours"] };
    await assert.rejects(collect(partner.decrypt(once(unsigned), wanted)), refuses("integrity", /not signed/));
  });

  it("is refused by whom it is not for, from whom it may not come, and without a key", async () => {
    const toThem = { recipients: ["theirs"], signer: undefined, armor: false };
    const foreign = await collect(pgp.encrypt(once(content), toThem));
    const mine = { recipients: ["ours"], signedBy: [] };
    await assert.rejects(
      collect(pgp.decrypt(once(foreign), mine)),
      refuses("integrity", /^OpenPGP: the message is for none of these keys/),
    );
    const signed = await collect(partner.encrypt(once(content), toUs));
    const fromMe = { recipients: ["ours"], signedBy: ["ours"] };
    await assert.rejects(
      collect(pgp.decrypt(once(signed), fromMe)),
      refuses("integrity", /no good signature of ours: it was made with another key$/),
    );
    await assert.rejects(
      collect(pgp.decrypt(once(signed), { ...mine, recipients: ["x"] })),
      refuses("not-found", /no OpenPGP key x/),
    );
    await assert.rejects(
      collect(pgp.decrypt(once(signed), { ...mine, recipients: ["theirs"] })),
      refuses("not-found", /no private key/),
    );
  });

  it("is refused when a byte of it was changed, wherever that is, or its end is missing", async () => {
    const small = Buffer.from("a small content that fits into a few hundred bytes");
    const message = await collect(partner.encrypt(once(small), toUs));
    for (let position = 0; position < message.length; position += 7) {
      const changed = Buffer.from(message);
      changed[position] = (changed[position] ?? 0) ^ 0x20;
      await assert.rejects(
        collect(pgp.decrypt(once(changed), fromThem)),
        refuses("integrity", /./),
        `byte ${position}`,
      );
    }
    const large = await collect(partner.encrypt(once(content), toUs));
    for (const length of [0, 10, 200, large.length - 30, large.length - 1]) {
      const cut = large.subarray(0, length);
      await assert.rejects(collect(pgp.decrypt(once(cut), fromThem)), refuses("integrity", /./), `${length} bytes`);
    }
    const readings: readonly (readonly [Buffer, RegExp])[] = [
      [content, /^OpenPGP: it is not OpenPGP, or is damaged$/],
      [Buffer.from("-----BEGIN PGP MESSAGE-----\n\nxx"), /^OpenPGP: its armor is damaged$/],
      [large.subarray(0, large.length - 30), /^OpenPGP: (?:it ends too early|the message was changed, or is damaged)$/],
    ];
    for (const [bytes, message] of readings) {
      await assert.rejects(collect(pgp.decrypt(once(bytes), fromThem)), refuses("integrity", message));
    }
  });

  it("tells what the store says while it is read", async () => {
    const failing = async function* () {
      yield Buffer.from("abc");
      throw new FileError("unavailable", "the disk is gone");
    };
    await assert.rejects(
      collect(pgp.encrypt(failing(), { ...toUs, signer: undefined })),
      refuses("unavailable", /disk/),
    );
    await assert.rejects(collect(pgp.decrypt(failing(), fromThem)), refuses("unavailable", /the disk is gone/));
  });

  it("is made no faster than it is taken", async () => {
    let readBytes = 0;
    const endless = async function* () {
      for (let count = 0; count < 1000; count += 1) {
        readBytes += 1_000_000;
        yield Buffer.alloc(1_000_000, count);
      }
    };
    const message = pgp.encrypt(endless(), { ...toUs, signer: undefined })[Symbol.asyncIterator]();
    for (let count = 0; count < 5; count += 1) await message.next();
    assert.ok(readBytes < 30_000_000, `${readBytes} bytes were read`);
    await message.return?.();
  });
});

/** Nothing of the message is handed out before the refusal either. */
async function refusesBare(message: Buffer): Promise<void> {
  const pieces = pgp.decrypt(once(message), { recipients: ["ours"], signedBy: [] })[Symbol.asyncIterator]();
  await assert.rejects(pieces.next(), refuses("integrity", /^OpenPGP: the message has no integrity protection/));
}

describe("a message without integrity protection", () => {
  it("is refused, signed or not", async () => {
    const signingKeys = (await usableKey({ ...theirs, passphrase })).privateKey ?? [];
    const plain = await openpgp.createMessage({ binary: content });
    await refusesBare(await messageWithoutProtection(plain, ours.publicKey));
    const signed = await openpgp.sign({ message: plain, signingKeys, format: "object" });
    await refusesBare(await messageWithoutProtection(signed, ours.publicKey));
  });
});

describe("a signature", () => {
  it("in the message or beside the file says whose it is", async () => {
    const signingKeys = (await usableKey({ ...theirs, passphrase })).privateKey;
    const signed = await openpgp.sign({
      message: await openpgp.createMessage({ binary: content }),
      signingKeys: signingKeys ?? [],
      format: "binary",
    });
    assert.deepEqual(await collect(pgp.verify(once(Buffer.from(signed)), ["theirs"])), content);
    await assert.rejects(
      collect(pgp.verify(once(Buffer.from(signed)), ["ours"])),
      refuses("integrity", /no good signature/),
    );
    for (const format of ["binary", "armored"] as const) {
      const options = { message: await openpgp.createMessage({ binary: content }), detached: true, format };
      const beside = await openpgp.sign({ ...options, signingKeys: signingKeys ?? [] } as never);
      const bytes = Buffer.from(beside as unknown as Uint8Array);
      await pgp.verifyDetached(once(content), bytes, ["theirs"]);
      const changed = Buffer.from(content);
      changed[1000] = 0;
      await assert.rejects(
        pgp.verifyDetached(once(changed), bytes, ["theirs"]),
        refuses("integrity", /no good signature/),
      );
      await assert.rejects(
        pgp.verifyDetached(once(content), bytes, ["ours"]),
        refuses("integrity", /no good signature/),
      );
    }
  });
});

describe("a key", () => {
  it("is refused when it cannot be used", async () => {
    const old = await generated("old", { date: new Date("2020-01-01"), keyExpirationTime: 60 });
    const cases: readonly (readonly [PgpKeyMaterial, RegExp])[] = [
      [{ name: "k", publicKey: "hello" }, /cannot be used: its armor is damaged$/],
      [{ name: "k", publicKey: ours.privateKey }, /is private/],
      [{ name: "k", privateKey: ours.publicKey }, /cannot be used: it is no private key$/],
      [{ name: "k", privateKey: ours.privateKey }, /needs its passphrase/],
      [{ name: "k", privateKey: ours.privateKey, passphrase: "wrong" }, /does not open/],
      [{ name: "k", publicKey: old.publicKey }, /expired on 2020-01-01/],
    ];
    for (const [material, message] of cases) await assert.rejects(usableKey(material), refuses("integrity", message));
  });
});

describe("GnuPG", { skip: programOrSkip("gpg") }, () => {
  let directory: string;
  const gpg = (...args: string[]) =>
    mustRun("gpg", ["--homedir", directory, "--batch", "--yes", "--trust-model", "always", ...args]);
  const at = (name: string) => join(directory, name);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "fgpg-"));
    await writeFile(at("ours.asc"), ours.publicKey);
    await gpg("--import", at("ours.asc"));
    await gpg(
      "--pinentry-mode",
      "loopback",
      "--passphrase",
      "",
      "--quick-gen-key",
      "gnu@example.com",
      "default",
      "default",
      "never",
    );
    await writeFile(at("content"), content);
  });
  after(async () => {
    await mustRun("gpgconf", ["--homedir", directory, "--kill", "all"]);
    await rm(directory, { recursive: true, force: true });
  });

  it("and we read each other's messages", async () => {
    const gnu: PgpKeyMaterial = { name: "gnu", publicKey: await gpg("--armor", "--export", "gnu@example.com") };
    const both = createOpenPgp(() => [...keys, gnu]);
    for (const armor of [false, true]) {
      const message = await collect(both.encrypt(once(content), { recipients: ["gnu"], signer: "ours", armor }));
      await writeFile(at("message"), message);
      await gpg("--output", at("plain"), "--decrypt", at("message"));
      assert.deepEqual(await readFile(at("plain")), content);
    }
    const forUs = ["--recipient", "ours@example.com", "--local-user", "gnu@example.com", "--output", at("theirs")];
    for (const more of [[], ["--armor"], ["--compress-algo", "zlib"]]) {
      await gpg(...more, ...forUs, "--sign", "--encrypt", at("content"));
      const options = { recipients: ["ours"], signedBy: ["gnu"] };
      assert.deepEqual(await collect(both.decrypt(once(await readFile(at("theirs"))), options)), content);
    }
    await gpg("--local-user", "gnu@example.com", "--output", at("signed"), "--sign", at("content"));
    assert.deepEqual(await collect(both.verify(once(await readFile(at("signed"))), ["gnu"])), content);
    await gpg("--local-user", "gnu@example.com", "--output", at("sig"), "--detach-sign", at("content"));
    await both.verifyDetached(once(content), await readFile(at("sig")), ["gnu"]);
  });

  it("without integrity protection is refused", async () => {
    const more = ["--rfc2440", "--disable-mdc", "--cipher-algo", "3DES", "--recipient", "ours@example.com"];
    await gpg(...more, "--output", at("bare"), "--encrypt", at("content"));
    await refusesBare(await readFile(at("bare")));
  });
});
