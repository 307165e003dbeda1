import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { archives } from "../../../adapters/node/archives.ts";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { parseDestinationTemplate, parseNameTemplate } from "../../../core/destination-template.ts";
import type { DerivingAction, DispatchRule, DispatchStep, OverwritePolicy } from "../../../core/dispatch.ts";
import { FileError } from "../../../core/errors.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import type { ContentConversions } from "../../../ports/content-conversions.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { createDispatcher } from "../../../service/dispatch/dispatcher.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

function put(
  action: "move" | "copy",
  to: string,
  { overwrite = "fail", account }: { overwrite?: OverwritePolicy; account?: string } = {},
): DispatchStep {
  return { action, to: parseDestinationTemplate(to, 0), account, overwrite };
}

const rename = (name: string): DispatchStep => ({
  action: "rename",
  name: parseNameTemplate(name, 0),
  overwrite: "fail",
});

function rule(steps: readonly DispatchStep[], changes: Partial<DispatchRule> = {}): DispatchRule {
  const when = compileSelection({ types: ["transfer.completed", "file.renamed"] });
  return { name: "rule", enabled: true, when, steps, otherwise: [], continues: false, ...changes };
}

async function textAt(objects: ObjectStore, objectKey: string): Promise<string | undefined> {
  if ((await objects.stat(objectKey))?.type !== "file") return undefined;
  const reader = await objects.openRead(objectKey);
  const content = new Uint8Array(reader.entry.size);
  await reader.read(content, 0);
  return new TextDecoder().decode(content);
}

/** A dispatcher over ports in memory; `upload` is what a client does, and answers the event of it. */
function rig(
  rules: readonly DispatchRule[],
  accounts: readonly Account[] = [testAccount()],
  { conversions = contentConversions }: { conversions?: ContentConversions } = {},
) {
  const services = createMemoryServices(accounts);
  const { objects, accounting } = services;
  const dispatcher = createDispatcher({ ...services, ...createMemoryAutomation(), archives, conversions }, () => rules);
  let count = 0;
  const write = async (objectKey: string, text: string) => {
    const writer = await objects.openWrite(objectKey, `upload-${count}`);
    await writer.write(new TextEncoder().encode(text));
    return (await writer.publish({})).etag;
  };
  const upload = async (path: string, text: string): Promise<AccountingEvent> => {
    count += 1;
    const objectKey = `tester${path}`;
    const sha256 = createHash("sha256").update(text).digest("hex");
    const data = { path, objectKey, direction: "upload", sha256, etag: await write(objectKey, text) };
    const [time, account] = ["2026-11-22T12:00:00.000Z", { name: "tester", groups: [] }];
    return {
      id: `${count}`,
      type: "transfer.completed",
      time,
      server: "s",
      account,
      protocol: "sftp",
      message: "",
      data,
    };
  };
  const give = async (event: AccountingEvent) => {
    const error = await dispatcher.handle(event).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error === undefined ? undefined : { isDone: await dispatcher.givenUp?.({ event, error, attempts: 1 }) };
  };
  const recorded = () =>
    accounting.events.map(({ type, data }) =>
      [type.slice("dispatch.".length), data.action, data.destination, data.reason].filter(Boolean).join(" "),
    );
  return {
    ...services,
    dispatcher,
    write,
    upload,
    give,
    recorded,
    at: (place: string) => textAt(objects, `tester${place}`),
  };
}

describe("the steps of a rule", () => {
  it("are done in order, each from where the one before has put the file", async () => {
    const test = rig([
      rule([
        put("copy", "/a/"),
        put("move", "/b/c/"),
        rename("{file.stem}.x"),
        put("copy", "/d/"),
        { action: "delete" },
      ]),
    ]);
    await test.give(await test.upload("/in/f.txt", "text"));
    assert.deepEqual(test.recorded(), [
      "completed copy /a/f.txt",
      "completed move /b/c/f.txt",
      "completed rename /b/c/f.x",
      "completed copy /d/f.x",
      "completed delete",
    ]);
    const places = ["/in/f.txt", "/a/f.txt", "/b/c/f.txt", "/b/c/f.x", "/d/f.x"];
    assert.deepEqual(await Promise.all(places.map(test.at)), [undefined, "text", undefined, undefined, "text"]);
  });

  it("leave the file alone that a rule ignores, and what comes behind sees it", async () => {
    const test = rig([rule([{ action: "ignore" }], { continues: true }), rule([put("copy", "/a/")], { name: "next" })]);
    await test.give(await test.upload("/in/f", "text"));
    assert.deepEqual(test.recorded(), ["skipped ignore the rule leaves it as it is", "completed copy /a/f"]);
  });

  it("are not done again when the event comes again", async () => {
    const test = rig([
      rule([put("copy", "/a/", { overwrite: "number" }), put("move", "/b/", { overwrite: "number" })]),
    ]);
    const event = await test.upload("/in/f", "text");
    for (let time = 0; time < 3; time += 1) await test.give(event);
    await test.upload("/in/f", "text");
    await test.give(event);
    assert.deepEqual(test.recorded(), ["completed copy /a/f", "completed move /b/f"]);
    assert.equal(await test.at("/in/f"), "text", "the file of another event stays");
  });

  it("have nothing to do when the file is gone, a folder, replaced, or where it belongs", async () => {
    const test = rig([rule([put("move", "/out/"), put("copy", "/x/")])]);
    const gone = await test.upload("/in/gone", "text");
    await test.objects.remove("tester/in/gone", "file");
    const replaced = await test.upload("/in/r", "old");
    const replacement = await test.upload("/in/r", "new");
    const there = await test.upload("/out/there", "text");
    const folder = { ...there, id: "f", type: "file.renamed" as const, data: { path: "/in" } };
    for (const event of [gone, replaced, replacement, there, folder]) await test.give(event);
    assert.deepEqual(test.recorded(), [
      "skipped move it is not there any more",
      "skipped move it was replaced by another file, which has an event of its own",
      "completed move /out/r",
      "completed copy /x/r",
      "skipped move it is at its destination already",
      "completed copy /x/there",
      "skipped move it is a folder",
    ]);
    assert.equal(await test.at("/out/r"), "new");
  });

  it("take a file whose time was set after the upload, and one that was renamed, for what it is", async () => {
    const test = rig([rule([put("move", "/out/")])]);
    const touched = await test.upload("/in/touched", "text");
    await test.objects.setModified("tester/in/touched", 0);
    await test.write("tester/in/renamed", "text");
    const renamed = { ...touched, id: "r", type: "file.renamed" as const, data: { path: "/in/renamed" } };
    const changed = { ...touched, data: { ...touched.data, etag: "another" } };
    for (const event of [changed, renamed]) await test.give(event);
    assert.deepEqual(test.recorded(), ["completed move /out/touched", "completed move /out/renamed"]);
    assert.equal(test.accounting.events[1]?.data.sha256, touched.data.sha256);
  });
});

describe("a destination that is taken", () => {
  const outcomes: readonly (readonly [OverwritePolicy, readonly string[], string | undefined, string | undefined])[] = [
    ["fail", ["failed copy /out/f.t /out/f.t exists already"], "old", undefined],
    ["skip", ["skipped copy /out/f.t exists already", "completed copy /more/f.t"], "old", undefined],
    ["replace", ["completed copy /out/f.t", "completed copy /more/f.t"], "new", undefined],
    ["number", ["completed copy /out/f-2.t", "completed copy /more/f.t"], "old", "new"],
  ];
  for (const [overwrite, recorded, first, numbered] of outcomes) {
    it(`is treated as ${overwrite} says`, async () => {
      const test = rig([rule([put("copy", "/out/", { overwrite }), put("copy", "/more/")])]);
      await test.write("tester/out/f.t", "old");
      await test.write("tester/out/f-1.t", "older");
      await test.give(await test.upload("/in/f.t", "new"));
      assert.deepEqual(test.recorded(), recorded);
      assert.deepEqual([await test.at("/out/f.t"), await test.at("/out/f-2.t")], [first, numbered]);
      assert.equal(await test.at("/in/f.t"), "new");
    });
  }

  it("by a folder is never replaced", async () => {
    const test = rig([rule([put("copy", "/out", { overwrite: "replace" })])]);
    await test.objects.ensureDirectory("tester/out");
    assert.deepEqual(await test.give(await test.upload("/in/f", "text")), { isDone: false });
    assert.match(test.recorded()[0] ?? "", /^failed copy \/out /);
  });
});

describe("a file made of another", () => {
  const make = (action: DerivingAction, overwrite: OverwritePolicy = "fail"): DispatchStep => ({ action, overwrite });
  const bytesAt = async (objects: ObjectStore, objectKey: string) => {
    const reader = await objects.openRead(objectKey);
    const content = new Uint8Array(reader.entry.size);
    await reader.read(content, 0);
    return content;
  };

  it("is its checksum, as sha256sum writes it, which leaves the file where it is", async () => {
    const test = rig([rule([make("checksum"), put("move", "/out/")])]);
    const event = await test.upload("/in/ä b.txt", "text");
    await test.give(event);
    assert.deepEqual(test.recorded(), ["completed checksum /in/ä b.txt.sha256", "completed move /out/ä b.txt"]);
    assert.equal(await test.at("/in/ä b.txt.sha256"), `${event.data.sha256}  ä b.txt\n`);
  });

  it("takes its place when it is the compressed one, and again when that is extracted", async () => {
    const test = rig([rule([make("compress"), put("copy", "/packed/"), make("extract"), put("move", "/out/")])]);
    await test.give(await test.upload("/in/f", "text ".repeat(1000)));
    assert.deepEqual(test.recorded(), [
      "completed compress /in/f.gz",
      "completed copy /packed/f.gz",
      "completed extract /in/f",
      "completed move /out/f",
    ]);
    const packed = await bytesAt(test.objects, "tester/packed/f.gz");
    assert.equal(gunzipSync(packed).toString(), "text ".repeat(1000));
    assert.equal(await test.at("/out/f"), "text ".repeat(1000));
    const { data } = test.accounting.events[0] ?? {};
    assert.deepEqual([data?.bytes, data?.sha256], [packed.length, createHash("sha256").update(packed).digest("hex")]);
    assert.deepEqual((await test.objects.list("tester/in", { limit: 10 })).entries, []);
    assert.deepEqual(await test.objects.stagedUploads(), []);
  });

  it("is not made of what is damaged, has another name, or would fill the disk; the file stays", async () => {
    const test = rig([rule([make("extract")])]);
    for (const [path, text, reason] of [
      ["/in/a.gz", "no gzip", "the content is damaged or was not compressed with gzip"],
      ["/in/a.zip", "text", "/in/a.zip does not end in .gz"],
    ] as const) {
      await test.give(await test.upload(path, text));
      assert.equal(test.accounting.events.at(-1)?.data.reason, reason);
      assert.equal(await test.at(path), text);
    }
    assert.deepEqual(await test.objects.stagedUploads(), []);
  });

  it("is refused when a small file becomes a huge one", async () => {
    const piece = new Uint8Array(1024 * 1024);
    const conversions = {
      ...contentConversions,
      gunzip: async function* () {
        for (;;) yield piece;
      },
    };
    const test = rig([rule([make("extract")])], undefined, { conversions });
    await test.give(await test.upload("/in/bomb.gz", "small"));
    assert.match(test.recorded()[0] ?? "", /^failed extract \/in\/bomb the content is over 200 times as large$/);
    assert.deepEqual([await test.at("/in/bomb.gz"), await test.at("/in/bomb")], ["small", undefined]);
    assert.deepEqual(await test.objects.stagedUploads(), []);
  });

  it("treats a name that is taken as overwrite says", async () => {
    for (const [overwrite, expected] of [
      ["fail", "failed checksum /in/f.sha256 /in/f.sha256 exists already"],
      ["skip", "skipped checksum /in/f.sha256 exists already"],
      ["number", "completed checksum /in/f-1.sha256"],
      ["replace", "completed checksum /in/f.sha256"],
    ] as const) {
      const test = rig([rule([make("checksum", overwrite)])]);
      await test.write("tester/in/f.sha256", "old");
      await test.give(await test.upload("/in/f", "text"));
      assert.deepEqual(test.recorded(), [expected]);
    }
  });
});

describe("another account's folder", () => {
  const writer = testAccount({ name: "writer", folders: [{ path: "/shared", prefix: "common" }] });
  const reader = testAccount({
    name: "reader",
    permissions: [{ expression: undefined, tokens: ["allow-read"], label: "account reader, permissions[0]" }],
  });

  it("takes a file when that account may write there, by its own virtual folders", async () => {
    const test = rig([rule([put("move", "/shared/{account.name}/", { account: "writer" })])], [testAccount(), writer]);
    await test.give(await test.upload("/in/f", "text"));
    assert.equal(await textAt(test.objects, "common/tester/f"), "text");
    const { data, account } = test.accounting.events[0] ?? {};
    assert.equal(data?.destinationAccount, "writer");
    assert.equal(account?.name, "tester");
  });

  it("takes none when it may not, or is gone; the reason names the rule", async () => {
    for (const [account, reason] of [
      ["reader", "reader may not write /f: account reader, permissions[0]"],
      ["nobody", "there is no account nobody"],
    ] as const) {
      const test = rig([rule([put("move", "/", { account })])], [testAccount(), reader]);
      assert.deepEqual(await test.give(await test.upload("/in/f", "text")), { isDone: false });
      assert.equal(test.accounting.events[0]?.data.reason, reason);
      assert.equal(await test.at("/in/f"), "text");
    }
  });

  it("needs no permission when it is the file's own: the rules are the operator's", async () => {
    const own = testAccount({ permissions: [] });
    const test = rig([rule([put("move", "/out/")])], [own]);
    await test.give(await test.upload("/in/f", "text"));
    assert.deepEqual(test.recorded(), ["completed move /out/f"]);
  });
});

describe("a step that fails for good", () => {
  it("keeps the steps behind it and the rules behind its own from happening, and the file where it is", async () => {
    const steps = [put("copy", "/a/"), put("copy", "/taken"), put("move", "/b/")];
    const test = rig([rule(steps, { continues: true }), rule([{ action: "delete" }], { name: "next" })]);
    await test.write("tester/taken", "other");
    assert.deepEqual(await test.give(await test.upload("/in/f", "text")), { isDone: false });
    assert.deepEqual(test.recorded(), ["completed copy /a/f", "failed copy /taken /taken exists already"]);
    assert.equal(await test.at("/in/f"), "text");
  });

  it("is gone on from when the event is replayed", async () => {
    const test = rig([rule([put("copy", "/a/", { overwrite: "number" }), put("move", "/taken")])]);
    await test.write("tester/taken", "other");
    const event = await test.upload("/in/f", "text");
    await test.give(event);
    await test.objects.remove("tester/taken", "file");
    assert.equal(await test.give(event), undefined);
    assert.deepEqual(test.recorded().slice(2), ["completed move /taken"]);
    assert.deepEqual([await test.at("/a/f-1"), await test.at("/taken")], [undefined, "text"]);
  });

  it("leads to what the rule says otherwise, once", async () => {
    const test = rig([rule([put("move", "/taken")], { otherwise: [put("copy", "/log/"), put("move", "/failed/")] })]);
    await test.write("tester/taken", "other");
    const event = await test.upload("/in/f", "text");
    assert.deepEqual(await test.give(event), { isDone: true });
    assert.equal(await test.give(event), undefined);
    assert.deepEqual(test.recorded(), [
      "failed move /taken /taken exists already",
      "completed copy /log/f",
      "completed move /failed/f",
    ]);
  });

  it("in what is to be done otherwise too leaves the event to the operator", async () => {
    const test = rig([rule([put("move", "/taken")], { otherwise: [put("move", "/taken")] })]);
    await test.write("tester/taken", "other");
    const event = await test.upload("/in/f", "text");
    assert.deepEqual(await test.give(event), { isDone: false });
    assert.equal(test.recorded().length, 2);
    await test.objects.remove("tester/taken", "file");
    assert.equal(await test.give(event), undefined);
    assert.equal(await test.at("/taken"), "text");
  });

  it("may be one whose destination a value would lead out of its folder", async () => {
    const step: DispatchStep = { ...put("copy", "/x/"), to: parseDestinationTemplate("/x/{1}", 1) } as DispatchStep;
    const when = compileSelection({ types: ["transfer.completed"], path: "m/^\\/(.*)$/" });
    const test = rig([rule([step], { when })]);
    const error = await test.dispatcher.handle(await test.upload("/in/f", "text")).catch((reason: unknown) => reason);
    assert.ok(error instanceof FileError && error.code === "invalid-path");
    assert.match(error.message, /\{1\} could lead out of the folder/);
  });
});
