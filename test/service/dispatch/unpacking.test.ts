import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { archives } from "../../../adapters/node/archives.ts";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import type { ArchiveFormat } from "../../../core/archive-format.ts";
import { parseDestinationTemplate } from "../../../core/destination-template.ts";
import type { DispatchStep, OverwritePolicy } from "../../../core/dispatch.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import { compileExpression } from "../../../core/expression.ts";
import { createDispatcher } from "../../../service/dispatch/dispatcher.ts";
import { zipOf } from "../../support/archive-samples.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

function unpackStep(format: ArchiveFormat, more: Partial<Extract<DispatchStep, { action: "unpack" }>> = {}) {
  return { action: "unpack" as const, format, to: undefined, account: undefined, overwrite: "fail" as const, ...more };
}

function rig(step: DispatchStep, accounts: readonly Account[] = [testAccount()]) {
  const services = createMemoryServices(accounts);
  const { objects, accounting } = services;
  const rule = {
    name: "rule",
    enabled: true,
    when: compileSelection({ types: ["transfer.completed"], path: "/in/*" }),
    steps: [step],
    otherwise: [],
    continues: false,
  };
  const means = { archives, conversions: contentConversions };
  const dispatcher = createDispatcher({ ...services, ...createMemoryAutomation(), ...means }, () => [rule]);
  const write = async (objectKey: string, content: Buffer | string) => {
    const writer = await objects.openWrite(objectKey, objectKey.replaceAll("/", "-"));
    await writer.write(Buffer.from(content));
    await writer.publish({});
  };
  const upload = async (path: string, content: Buffer): Promise<AccountingEvent> => {
    await write(`tester${path}`, content);
    const account = { name: "tester", groups: [] };
    const time = "2026-11-22T14:13:00.123Z";
    const data = { path, objectKey: `tester${path}`, direction: "upload" };
    return { id: path, type: "transfer.completed", time, server: "t", account, protocol: "sftp", message: "", data };
  };
  const files = async (folder = ""): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for (const { name, type } of (await objects.list(folder, { limit: 1000 })).entries) {
      const objectKey = folder === "" ? name : `${folder}/${name}`;
      if (type === "directory") Object.assign(found, await files(objectKey));
      else found[objectKey] = await text(objectKey);
    }
    return found;
  };
  const text = async (objectKey: string) => {
    const reader = await objects.openRead(objectKey);
    const content = Buffer.alloc(reader.entry.size);
    await reader.read(content, 0);
    return content.length > 100 ? `${content.length} bytes` : `${content}`;
  };
  return { services, dispatcher, write, upload, files, events: () => accounting.events };
}

async function packed(format: ArchiveFormat, name: string, content: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const file = {
    name,
    bytes: content.length,
    modifiedAtMs: 0,
    content: (async function* () {
      yield Buffer.from(content);
    })(),
  };
  for await (const piece of archives.pack(format, file)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const abc = () =>
  zipOf([
    { name: "a.txt", content: Buffer.from("a") },
    { name: "d/", content: Buffer.alloc(0) },
    { name: "d/b.txt", content: Buffer.from("b"), method: 0 },
  ]);

describe("the files of an archive", () => {
  it("get into a folder beside it that has its name, each on record, and the archive goes", async () => {
    const { dispatcher, upload, files, events } = rig(unpackStep("zip"));
    await dispatcher.handle(await upload("/in/x.ZIP", abc()));
    assert.deepEqual(await files(), { "tester/in/x/a.txt": "a", "tester/in/x/d/b.txt": "b" });
    const shown = events().map(({ type, data }) => `${type} ${data.action} ${data.destination} ${data.bytes}`);
    assert.deepEqual(shown, [
      "dispatch.completed extract /in/x/a.txt 1",
      "dispatch.completed extract /in/x/d/b.txt 1",
      "dispatch.completed extract /in/x undefined",
    ]);
  });

  it("come out of every format", async () => {
    for (const [format, extension] of [
      ["zip", "zip"],
      ["tar", "tar"],
      ["tar.gz", "tar.gz"],
      ["tar.gz", "tgz"],
    ] as const) {
      const { dispatcher, upload, files } = rig(unpackStep(format));
      await dispatcher.handle(await upload(`/in/x.${extension}`, await packed(format, "a.txt", "hello")));
      assert.deepEqual(await files(), { "tester/in/x/a.txt": "hello" });
    }
  });

  it("get into the folder that the rule names, of another account as far as that may write", async () => {
    const other = (expression: string) =>
      testAccount({
        name: "other",
        permissions: [{ expression: compileExpression(expression), tokens: ["allow-write"], label: "other" }],
      });
    const to = parseDestinationTemplate("/got/{file.stem}/", 0);
    const step = unpackStep("zip", { to, account: "other" });
    const good = rig(step, [testAccount(), other("/got/*")]);
    await good.dispatcher.handle(await good.upload("/in/x.zip", abc()));
    assert.deepEqual(await good.files(), { "other/got/x/a.txt": "a", "other/got/x/d/b.txt": "b" });
    const bad = rig(step, [testAccount(), other("/got/x/a.txt")]);
    const event = await bad.upload("/in/x.zip", abc());
    await assert.rejects(bad.dispatcher.handle(event), /other may not write \/got\/x\/d\/b.txt/);
    assert.deepEqual(Object.keys(await bad.files()), ["tester/in/x.zip"]);
  });

  it("do as the rule says where a name is taken", async () => {
    const results: Readonly<Record<OverwritePolicy, object | RegExp>> = {
      fail: /\/in\/x\/a.txt exists already/,
      replace: { "tester/in/x/a.txt": "a", "tester/in/x/d/b.txt": "b" },
      skip: { "tester/in/x/a.txt": "old", "tester/in/x/d/b.txt": "b" },
      number: { "tester/in/x/a-1.txt": "a", "tester/in/x/a.txt": "old", "tester/in/x/d/b.txt": "b" },
    };
    for (const [overwrite, result] of Object.entries(results) as [OverwritePolicy, object | RegExp][]) {
      const { dispatcher, upload, write, files } = rig(unpackStep("zip", { overwrite }));
      await write("tester/in/x/a.txt", "old");
      const handled = dispatcher.handle(await upload("/in/x.zip", abc()));
      if (result instanceof RegExp) {
        await assert.rejects(handled, result);
        assert.ok("tester/in/x.zip" in (await files()), "the archive stays");
      } else {
        await handled;
        assert.deepEqual(await files(), result);
      }
    }
  });

  it("appear all or not at all, where something is in the way of one", async () => {
    const cases: readonly (readonly [OverwritePolicy, string, RegExp])[] = [
      ["fail", "tester/in/x/d/b.txt", /\/in\/x\/d\/b\.txt exists already, and nothing of the archive is extracted/],
      ["fail", "tester/in/x/d/b.txt/folder", /\/in\/x\/d\/b\.txt exists already/],
      ["replace", "tester/in/x/d/b.txt/folder", /\/in\/x\/d\/b\.txt exists already/],
      ["replace", "tester/in/x/d", /\/in\/x\/d is a file, and nothing of the archive is extracted/],
      ["number", "tester/in/x", /\/in\/x is a file/],
    ];
    for (const [overwrite, obstacle, message] of cases) {
      const { dispatcher, upload, write, files, events, services } = rig(unpackStep("zip", { overwrite }));
      await write(obstacle, "in the way");
      const event = await upload("/in/x.zip", abc());
      await assert.rejects(dispatcher.handle(event), message);
      assert.deepEqual(Object.keys(await files()).sort(), [obstacle, "tester/in/x.zip"].sort());
      assert.deepEqual(events(), []);
      await services.objects.remove(obstacle, "file");
      if (obstacle.endsWith("/folder")) await services.objects.remove("tester/in/x/d/b.txt", "directory");
      await dispatcher.handle(event);
      assert.deepEqual(await files(), { "tester/in/x/a.txt": "a", "tester/in/x/d/b.txt": "b" }, "a replay does it");
    }
  });

  it("are passed over when they were done", async () => {
    for (const overwrite of ["number", "fail"] as const) {
      const { dispatcher, upload, files, services } = rig(unpackStep("zip", { overwrite }));
      const event = await upload("/in/x.zip", abc());
      const { append } = services.accounting;
      let appends = 0;
      Object.assign(services.accounting, {
        append: async (one: AccountingEvent) => {
          appends += 1;
          if (appends === 2) throw new Error("the process dies");
          await append(one);
        },
      });
      await assert.rejects(dispatcher.handle(event));
      await dispatcher.handle(event);
      await dispatcher.handle(event);
      assert.deepEqual(await files(), { "tester/in/x/a.txt": "a", "tester/in/x/d/b.txt": "b" });
    }
  });
});

describe("an archive that is damaged or dangerous", () => {
  const bomb = Buffer.alloc(150 * 1024 * 1024);
  const cases: readonly (readonly [string, () => Buffer, RegExp])[] = [
    [
      "a file outside the folder",
      () =>
        zipOf([
          { name: "a", content: Buffer.from("a") },
          { name: "../b", content: Buffer.from("b") },
        ]),
      /entry "..\/b": the name leads out/,
    ],
    [
      "a link",
      () => zipOf([{ name: "a", content: Buffer.from("/etc"), attributes: (0o120777 << 16) >>> 0 }]),
      /a link does not come out/,
    ],
    [
      "a wrong checksum in its last file",
      () =>
        zipOf([
          { name: "a", content: Buffer.from("a") },
          { name: "b", content: Buffer.from("b"), checksum: 7 },
        ]),
      /"b" does not have its checksum/,
    ],
    [
      "names that differ by case",
      () =>
        zipOf([
          { name: "a", content: Buffer.from("a") },
          { name: "A", content: Buffer.from("b") },
        ]),
      /by case/,
    ],
    ["encryption", () => zipOf([{ name: "a", content: Buffer.from("a"), flags: 1 }]), /"a" is encrypted/],
    [
      "150 MiB of zeros",
      () => zipOf([{ name: "zeros", content: bomb }]),
      /entry "zeros": the content is over 200 times as large/,
    ],
    [
      "a name that is too long for the store",
      () => zipOf([{ name: Array(5).fill("x".repeat(200)).join("/"), content: Buffer.from("a") }]),
      /entry .*: the path is over 900 bytes/,
    ],
  ];
  for (const [what, make, message] of cases) {
    it(`is refused as a whole, and stays: ${what}`, async () => {
      const { dispatcher, upload, files, services } = rig(unpackStep("zip"));
      await assert.rejects(dispatcher.handle(await upload("/in/x.zip", make())), message);
      assert.deepEqual(Object.keys(await files()), ["tester/in/x.zip"]);
      assert.deepEqual(await services.objects.stagedUploads(), []);
    });
  }

  it("is none by its name", async () => {
    const { dispatcher, upload } = rig(unpackStep("tar.gz"));
    await assert.rejects(dispatcher.handle(await upload("/in/x.gz", abc())), /does not end in .tar.gz or .tgz/);
  });
});

describe("a file that becomes an archive", () => {
  it("has another name, and comes back", async () => {
    for (const [format, extension] of [
      ["zip", ".zip"],
      ["tar", ".tar"],
      ["tar.gz", ".tar.gz"],
    ] as const) {
      const { dispatcher, upload, files, events } = rig({ action: "compress", format, overwrite: "fail" });
      await dispatcher.handle(await upload("/in/a.txt", Buffer.from("hello")));
      assert.deepEqual(Object.keys(await files()), [`tester/in/a.txt${extension}`]);
      assert.equal(events()[0]?.data.destination, `/in/a.txt${extension}`);
    }
  });
});
