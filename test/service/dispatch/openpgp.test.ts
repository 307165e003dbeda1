import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as openpgp from "openpgp";
import { archives } from "../../../adapters/node/archives.ts";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import { createOpenPgp } from "../../../adapters/node/openpgp.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import type { DispatchStep } from "../../../core/dispatch.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import { createDispatcher } from "../../../service/dispatch/dispatcher.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

const pair = await openpgp.generateKey({ userIDs: [{ name: "ours" }] });
const other = await openpgp.generateKey({ userIDs: [{ name: "theirs" }] });
const pgp = createOpenPgp(() => [
  { name: "ours", privateKey: pair.privateKey },
  { name: "theirs", privateKey: other.privateKey },
]);
const signingKeys = await openpgp.readPrivateKey({ armoredKey: other.privateKey });

function rig(...steps: readonly DispatchStep[]) {
  const services = createMemoryServices([testAccount()]);
  const { objects, accounting } = services;
  const when = compileSelection({ types: ["transfer.completed"], path: "/in/*" });
  const rule = { name: "rule", enabled: true, when, steps, otherwise: [], continues: false };
  const means = { archives, conversions: contentConversions, pgp };
  const dispatcher = createDispatcher({ ...services, ...createMemoryAutomation(), ...means }, () => [rule]);
  const write = async (objectKey: string, content: Uint8Array) => {
    const writer = await objects.openWrite(objectKey, objectKey.replaceAll("/", "-"));
    await writer.write(content);
    await writer.publish({});
  };
  const upload = async (path: string, content: Uint8Array): Promise<AccountingEvent> => {
    await write(`tester${path}`, content);
    const account = { name: "tester", groups: [] };
    const time = "2026-11-22T14:13:00.123Z";
    const data = { path, objectKey: `tester${path}`, direction: "upload" };
    return { id: path, type: "transfer.completed", time, server: "t", account, protocol: "sftp", message: "", data };
  };
  const read = async (path: string) => {
    const reader = await objects.openRead(`tester${path}`);
    const content = Buffer.alloc(reader.entry.size);
    await reader.read(content, 0);
    return content;
  };
  const names = async () => (await objects.list("tester/in", { limit: 100 })).entries.map(({ name }) => name);
  return { services, dispatcher, write, upload, read, names, events: () => accounting.events };
}

const encrypt: DispatchStep = {
  action: "encrypt",
  recipients: ["ours"],
  signer: "theirs",
  armor: false,
  overwrite: "fail",
};
const decrypt: DispatchStep = { action: "decrypt", recipients: ["ours"], signedBy: ["theirs"], overwrite: "fail" };
const content = Buffer.from("what nobody else may read");

async function encrypted(): Promise<Buffer> {
  const { dispatcher, upload, read } = rig(encrypt);
  await dispatcher.handle(await upload("/in/a.txt", content));
  return read("/in/a.txt.pgp");
}

describe("OpenPGP steps", () => {
  it("encrypt a file and decrypt it, each taking the place of the one before", async () => {
    const { dispatcher, upload, read, names, events } = rig(encrypt, decrypt);
    await dispatcher.handle(await upload("/in/a.txt", content));
    assert.deepEqual(await read("/in/a.txt"), content);
    assert.deepEqual(await names(), ["a.txt"]);
    const shown = events().map(({ type, data }) => `${type} ${data.action} ${data.destination}`);
    assert.deepEqual(shown, ["dispatch.completed encrypt /in/a.txt.pgp", "dispatch.completed decrypt /in/a.txt"]);
    const armored = rig({ ...encrypt, armor: true });
    await armored.dispatcher.handle(await armored.upload("/in/a.txt", content));
    assert.deepEqual(await armored.names(), ["a.txt.asc"]);
  });

  it("publish nothing of a message that was changed, and leave it where it is", async () => {
    const message = await encrypted();
    for (const position of [20, 200, message.length - 10]) {
      const changed = Buffer.from(message);
      changed[position] = (changed[position] ?? 0) ^ 1;
      const { dispatcher, upload, names, services } = rig(decrypt);
      await assert.rejects(dispatcher.handle(await upload("/in/a.txt.pgp", changed)), { code: "integrity" });
      assert.deepEqual(await names(), ["a.txt.pgp"]);
      assert.deepEqual(await services.objects.stagedUploads(), []);
    }
  });

  it("refuse a message that somebody else has signed", async () => {
    const { dispatcher, upload, names } = rig({ ...decrypt, signedBy: ["ours"] });
    const event = await upload("/in/a.txt.pgp", await encrypted());
    await assert.rejects(dispatcher.handle(event), { code: "integrity", message: /no good signature of ours/ });
    assert.deepEqual(await names(), ["a.txt.pgp"]);
  });

  it("take a signed message apart", async () => {
    const message = await openpgp.createMessage({ binary: content });
    const signed = await openpgp.sign({ message, signingKeys, format: "binary" });
    const verify: DispatchStep = { action: "verify", signedBy: ["theirs"], overwrite: "fail" };
    const { dispatcher, upload, read, names } = rig(verify);
    await dispatcher.handle(await upload("/in/a.txt.gpg", new Uint8Array(signed)));
    assert.deepEqual([await names(), await read("/in/a.txt")], [["a.txt"], content]);
    const bad = rig(verify);
    await assert.rejects(bad.dispatcher.handle(await bad.upload("/in/a.txt", content)), { code: "invalid-argument" });
  });

  it("look at the signature beside a file, and wait for one that is not there yet", async () => {
    const message = await openpgp.createMessage({ binary: content });
    const signature = await openpgp.sign({ message, signingKeys, detached: true, format: "binary" });
    const { dispatcher, upload, write, names, events } = rig({ action: "verify-detached", signedBy: ["theirs"] });
    const event = await upload("/in/a.txt", content);
    await assert.rejects(dispatcher.handle(event), { code: "unavailable", message: /no signature beside/ });
    await write("tester/in/a.txt.sig", new Uint8Array(signature as unknown as Uint8Array));
    await dispatcher.handle(event);
    assert.deepEqual(await names(), ["a.txt", "a.txt.sig"]);
    assert.deepEqual([events().at(-1)?.data.action, events().at(-1)?.data.signedBy], ["verify", ["theirs"]]);
    const changed = rig({ action: "verify-detached", signedBy: ["theirs"] });
    await changed.write("tester/in/a.txt.sig", new Uint8Array(signature as unknown as Uint8Array));
    const tampered = await changed.upload("/in/a.txt", Buffer.from("something else"));
    await assert.rejects(changed.dispatcher.handle(tampered), { code: "integrity" });
  });
});
