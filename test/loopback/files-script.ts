import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { FileClient } from "../support/file-clients.ts";
import {
  type Product,
  type ProductOptions,
  startProduct,
  type TestIdentity,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

export type Connect = (product: Product, identity: TestIdentity, username: string) => Promise<FileClient>;

/** Where the product keeps its files while the script runs. */
export interface ScriptStore {
  readonly title: string;
  readonly skip: () => string | false;
  readonly open: () => Promise<OpenedStore>;
}

export interface OpenedStore {
  readonly product: Pick<ProductOptions, "program" | "env">;
  dispose(): Promise<void>;
}

const inDirectory: ScriptStore = {
  title: "kept in a folder",
  skip: () => false,
  open: async () => ({ product: {}, dispose: async () => {} }),
};

const limited = (publicKey: string) => `  - name: limited
    publicKeys: ["${publicKey.trim()}"]
    password: "$PASSWORD"
    permissions:
      - [allow-list]
      - ["/inbox/*", allow-list, allow-write]
      - ["/outbox/*", allow-list, allow-read]
`;

/**
 * One script of file operations. Every protocol runs it through its own client and must leave the same files and the
 * same accounting trail: the expectations here do not know which protocol it is.
 */
export function filesScript(protocol: "sftp" | "ftps" | "https", connect: Connect, store = inDirectory): void {
  describe(`files over ${protocol}, ${store.title}`, { concurrency: 1, skip: store.skip() }, () => {
    let opened: OpenedStore;
    let product: Product;
    let identity: TestIdentity;
    before(async () => {
      const directory = await temporaryDirectory();
      identity = await writeIdentity(directory);
      const base = await testConfiguration(identity.publicKey);
      const passwordHash = /password: "([^"]+)"/.exec(base)?.[1] ?? "";
      const configuration = base + limited(identity.publicKey).replace("$PASSWORD", passwordHash);
      opened = await store.open();
      product = await startProduct({ directory, configuration, ...opened.product });
    });
    after(async () => {
      await product.stop();
      await opened.dispose();
      await rm(product.directory, { recursive: true });
    });

    it("does what the account may do, and records each operation once", async () => {
      const content = randomBytes(300_000);
      const client = await connect(product, identity, "tester");
      await client.makeDirectory("/made");
      await client.put("/made/a b ü.bin", content);
      assert.deepEqual(await client.list("/made"), ["a b ü.bin"]);
      assert.deepEqual(await client.get("/made/a b ü.bin"), content);
      await client.rename("/made/a b ü.bin", "/made/c.bin");
      await client.removeFile("/made/c.bin");
      await client.removeDirectory("/made");
      await client.close();
      const events = await eventsOf(product, "tester");
      assert.deepEqual(trail(events), [
        ["authentication.succeeded", undefined],
        ["directory.created", "/made"],
        ["transfer.started", "/made/a b ü.bin"],
        ["transfer.completed", "/made/a b ü.bin"],
        ["directory.listed", "/made"],
        ["transfer.started", "/made/a b ü.bin"],
        ["transfer.completed", "/made/a b ü.bin"],
        ["file.renamed", "/made/c.bin"],
        ["file.deleted", "/made/c.bin"],
        ["directory.deleted", "/made"],
        ["session.ended", undefined],
      ]);
      const upload = events.find(({ type, data }) => type === "transfer.completed" && data.direction === "upload");
      const { bytes, sha256, objectKey } = upload?.data ?? {};
      const expected = createHash("sha256").update(content).digest("hex");
      assert.deepEqual(
        { bytes, sha256, objectKey },
        { bytes: 300_000, sha256: expected, objectKey: "tester/made/a b ü.bin" },
      );
      for (const event of events) assert.equal(event.protocol, protocol);
    });

    it("refuses what the account may not do, and names the rule", async () => {
      const first = await connect(product, identity, "limited");
      await first.put("/inbox/in.bin", Buffer.from("in"));
      await first.close();
      const refused: readonly [string, (client: FileClient) => Promise<unknown>][] = [
        ["read", (client) => client.get("/inbox/in.bin")],
        ["write", (client) => client.put("/outbox/out.bin", Buffer.from("x"))],
        ["write", (client) => client.put("/inbox/../outside.bin", Buffer.from("x"))],
        ["create-folder", (client) => client.makeDirectory("/inbox/sub")],
        ["delete-file", (client) => client.removeFile("/inbox/in.bin")],
        ["rename", (client) => client.rename("/inbox/in.bin", "/inbox/out.bin")],
        ["delete-folder", (client) => client.removeDirectory("/inbox")],
      ];
      // Some clients give a connection up when a transfer is refused, so each refusal has its own.
      for (const [action, operate] of refused) {
        const client = await connect(product, identity, "limited");
        await assert.rejects(operate(client), `${action} is refused`);
        await client.close();
      }
      const denied = (await eventsOf(product, "limited")).filter(({ type }) => type === "access.denied");
      const actions = new Set(refused.map(([action]) => action));
      const recorded = denied.map(({ data }) => data.action);
      for (const action of actions) assert.ok(recorded.includes(action), `${action} is on record`);
      for (const { data } of denied) assert.match(String(data.rule), /account limited, permissions\[\d\]/);
    });
  });
}

async function eventsOf(product: Product, account: string): Promise<AccountingEvent[]> {
  for (;;) {
    const events = await product.events(`account=${account}`);
    if (events.some(({ type }) => type === "session.ended")) return events;
  }
}

/** Protocols look at paths in their own ways before they act, so only what changes or moves something counts. */
function trail(events: readonly AccountingEvent[]): [string, unknown][] {
  return events.map(({ type, data }) => [type, data.path]);
}
