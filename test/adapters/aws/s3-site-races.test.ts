import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { openS3Site } from "../../../adapters/aws/s3-site.ts";
import { parseVirtualPath } from "../../../core/virtual-path.ts";
import { refuses } from "../../contract/refusal.ts";
import { remoteDestination } from "../../support/remote-destination.ts";

interface Kept {
  readonly content: Buffer;
  readonly digest: string;
}

/** What happens besides, while a request is on its way. */
interface Meddling {
  /** Before the service looks at it. */
  before?(request: IncomingMessage): void;
  /** When a file was written; true when the answer is to be lost. */
  behind?(): boolean;
  /** Conditions that the service does not know. */
  readonly unknown?: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

const refusal = (status: number, code: string): Answer => ({ status, text: `<Error><Code>${code}</Code></Error>` });
const etagOf = ({ content }: Kept) => `"${content.toString("hex")}"`;

/** As much of S3 as a push and a rename need, with the conditions of AWS's. */
class SmallStore {
  readonly kept = new Map<string, Kept>();
  readonly #meddling: Meddling;

  constructor(meddling: Meddling) {
    this.#meddling = meddling;
  }

  /** Undefined when it gets lost. */
  async answer(request: IncomingMessage): Promise<Answer | undefined> {
    const content = await buffer(request);
    this.#meddling.before?.(request);
    const { method, headers } = request;
    const objectKey = new URL(request.url ?? "", "http://s3").pathname.replace("/bucket/", "");
    const there = this.kept.get(objectKey);
    const refused = this.#refused(request, there);
    if (refused) return refused;
    if (method === "HEAD") return there ? described(there) : { status: 404 };
    if (method === "PUT") return this.#put(objectKey, headers, content);
    this.kept.delete(objectKey);
    return { status: 204 };
  }

  #refused({ method, headers }: IncomingMessage, there: Kept | undefined): Answer | undefined {
    const [ifMatch, ifNoneMatch] = [headers["if-match"], headers["if-none-match"]];
    const asked = ifMatch === undefined ? "if-none-match" : "if-match";
    const isAsked = ifMatch !== undefined || ifNoneMatch !== undefined;
    if (isAsked && this.#meddling.unknown?.includes(`${method} ${asked}`)) return refusal(501, "NotImplemented");
    const isTaken = ifNoneMatch !== undefined && there !== undefined;
    const isAnother = ifMatch !== undefined && (!there || ifMatch !== etagOf(there));
    return isTaken || isAnother ? refusal(412, "PreconditionFailed") : undefined;
  }

  #put(objectKey: string, headers: IncomingHttpHeaders, content: Buffer): Answer | undefined {
    const source = headers["x-amz-copy-source"];
    const copied = this.kept.get(decodeURIComponent(`${source}`).replace("bucket/", ""));
    const file = source === undefined ? { content, digest: `${headers["x-amz-meta-sha256"]}` } : copied;
    if (!file) return refusal(404, "NoSuchKey");
    this.kept.set(objectKey, file);
    if (this.#meddling.behind?.()) return undefined;
    const text = source === undefined ? "" : `<CopyObjectResult><ETag>${etagOf(file)}</ETag></CopyObjectResult>`;
    return { status: 200, headers: { etag: etagOf(file) }, text };
  }
}

function described(file: Kept): Answer {
  const { digest, content } = file;
  const headers = { etag: etagOf(file), "x-amz-meta-sha256": digest, "content-length": `${content.length}` };
  return { status: 200, headers };
}

async function startStore(t: TestContext, meddling: Meddling) {
  const store = new SmallStore(meddling);
  const server = createServer(async (request, response) => {
    const answer = await store.answer(request);
    if (!answer) return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/xml", ...answer.headers }).end(answer.text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { user: "id", password: "secret", region: "eu-west-1", endpoint };
  const site = openS3Site(remoteDestination("s3://bucket", access));
  t.after(() => {
    site.close();
    server.close();
    server.closeAllConnections();
  });
  const put = (objectKey: string, text: string) =>
    void store.kept.set(objectKey, { content: Buffer.from(text), digest: `digest of ${text}` });
  const texts = () => Object.fromEntries([...store.kept].map(([name, { content }]) => [name, `${content}`]));
  return { site, put, texts };
}

const at = parseVirtualPath;

function writing(text: string) {
  return { offset: 0, bytes: text.length, sha256: `digest of ${text}`, overwrite: false };
}

async function* sending(text: string) {
  yield Buffer.from(text);
}

test("a file that others put there in the last moment is not overwritten by a rename", async (t) => {
  const store = await startStore(t, {
    before: ({ headers }) => {
      if (headers["x-amz-copy-source"] !== undefined) store.put("to.txt", "somebody else's");
    },
  });
  store.put("from.txt", "ours");
  await refuses("already-exists", store.site.rename(at("/from.txt"), at("/to.txt"), { overwrite: false }));
  assert.deepEqual(store.texts(), { "from.txt": "ours", "to.txt": "somebody else's" });
});

test("a new file that takes the place of one that is being renamed stays", async (t) => {
  const store = await startStore(t, {
    before: ({ method }) => {
      if (method === "DELETE") store.put("from.txt", "newer");
    },
  });
  store.put("from.txt", "ours");
  await store.site.rename(at("/from.txt"), at("/to.txt"), { overwrite: false });
  assert.deepEqual(store.texts(), { "from.txt": "newer", "to.txt": "ours" });
});

test("a new file that takes the place of one that was fetched is not removed with it", async (t) => {
  const store = await startStore(t, {
    before: ({ method }) => {
      if (method === "DELETE") store.put("a.txt", "newer");
    },
  });
  store.put("a.txt", "ours");
  const pin = { version: etagOf({ content: Buffer.from("ours"), digest: "" }) };
  await refuses("integrity", store.site.remove(at("/a.txt"), pin));
  assert.deepEqual(store.texts(), { "a.txt": "newer" });
});

test("a service that knows no conditions of deletions is asked before what is there", async (t) => {
  const store = await startStore(t, { unknown: ["DELETE if-match"] });
  const pin = { version: etagOf({ content: Buffer.from("ours"), digest: "" }) };
  store.put("a.txt", "newer");
  await refuses("integrity", store.site.remove(at("/a.txt"), pin));
  assert.deepEqual(store.texts(), { "a.txt": "newer" });
  store.put("a.txt", "ours");
  await store.site.remove(at("/a.txt"), pin);
  await store.site.remove(at("/a.txt"), pin);
  assert.deepEqual(store.texts(), {});
});

test("a service that knows no conditions of copies and deletions renames all the same", async (t) => {
  const store = await startStore(t, { unknown: ["PUT if-none-match", "DELETE if-match"] });
  store.put("from.txt", "ours");
  await store.site.rename(at("/from.txt"), at("/to.txt"), { overwrite: false });
  assert.deepEqual(store.texts(), { "to.txt": "ours" });
  store.put("from.txt", "another");
  await refuses("already-exists", store.site.rename(at("/from.txt"), at("/to.txt"), { overwrite: false }));
});

test("a write whose answer got lost has arrived, and is not taken for somebody else's file", async (t) => {
  let isLost = false;
  const store = await startStore(t, {
    behind: () => {
      const losesNow = !isLost;
      isLost = true;
      return losesNow;
    },
  });
  await store.site.write(at("/a.txt"), () => sending("ours"), writing("ours"));
  assert.ok(isLost);
  assert.deepEqual(store.texts(), { "a.txt": "ours" });
  await refuses(
    "already-exists",
    store.site.write(at("/a.txt"), () => sending("more"), writing("more")),
  );
  assert.deepEqual(store.texts(), { "a.txt": "ours" });
});
