import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  createHttpAuthentication,
  type HttpAuthenticationOptions,
} from "../../../adapters/node/http-authentication.ts";
import { limits } from "../../../core/limits.ts";
import type { AuthenticationQuestion } from "../../../ports/external-authentication.ts";
import { createMemoryRuntime } from "../../support/memory-ports.ts";
import { type Answer, startWebhookReceiver } from "../../support/webhook-receiver.ts";

const question: AuthenticationQuestion = {
  username: "kevin",
  kind: "password",
  content: 'hüter"7',
  peer: { address: "203.0.113.9", port: 2345 },
  protocol: "sftp",
};

/** An endpoint, and a system that asks it first and then the others. */
async function endpoint(context: TestContext, answer?: Answer) {
  const receiver = await startWebhookReceiver(answer);
  context.after(() => receiver.close());
  return receiver;
}

function asking(urls: readonly string[], changes: Partial<HttpAuthenticationOptions> = {}) {
  const { log, now } = createMemoryRuntime();
  return createHttpAuthentication({
    urls,
    timeoutMs: 5000,
    headers: {},
    serverName: "gateway-1",
    now,
    log,
    ...changes,
  });
}

const answering =
  (status: number, body = ""): Answer =>
  (response) =>
    response.writeHead(status, { "content-type": "application/json" }).end(body);

describe("the question over HTTP", () => {
  it("has the form of SFTPPlus, with the credential as it is", async (context) => {
    const receiver = await endpoint(context);
    await asking([`${receiver.url}/auth?x=1`]).ask(question);
    const [request] = receiver.requests;
    assert.equal(request?.method, "POST");
    assert.equal(request?.url, "/auth?x=1");
    assert.equal(request?.headers["content-type"], "application/json; charset=utf-8");
    const { credentials, server } = JSON.parse(request?.body ?? "");
    assert.deepEqual(
      { ...credentials, creator: credentials.creator.type },
      {
        type: "password",
        username: "kevin",
        content: 'hüter"7',
        peer: { address: "203.0.113.9", port: 2345, family: "IPv4", protocol: "TCP" },
        creator: "ssh",
      },
    );
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/;
    assert.match(server.uuid, uuid);
    assert.match(credentials.creator.uuid, uuid);
  });

  for (const [kind, type] of [
    ["public-key", "ssh-key"],
    ["client-certificate", "ssl-certificate"],
  ] as const) {
    it(`calls a ${kind} ${type}`, async (context) => {
      const receiver = await endpoint(context);
      await asking([receiver.url]).ask({ ...question, kind, peer: { address: "2001:db8::1", port: 1 } });
      const { credentials } = JSON.parse(receiver.requests[0]?.body ?? "");
      assert.deepEqual([credentials.type, credentials.peer.family], [type, "IPv6"]);
    });
  }

  it("carries the configured headers, and the user and password of the address", async (context) => {
    const receiver = await endpoint(context);
    const url = receiver.url.replace("http://", "http://us%20er:p%40ss@");
    await asking([url], { headers: { "X-Api-Key": "k1" } }).ask(question);
    const { headers } = receiver.requests[0] ?? {};
    assert.equal(headers?.["x-api-key"], "k1");
    assert.equal(headers?.authorization, `Basic ${Buffer.from("us er:p@ss").toString("base64")}`);
  });
});

describe("the answer over HTTP", () => {
  const verdicts: readonly (readonly [string, Answer, Readonly<Record<string, unknown>>])[] = [
    ["204 accepts", answering(204), { verdict: "accepted", account: { folders: [], structure: [], permissions: [] } }],
    [
      "200 accepts with an account",
      answering(
        200,
        JSON.stringify({
          account: {
            uuid: "1",
            email: "k@example.com",
            group: "partners",
            home_folder_path: "/srv/kevin",
            create_home_folder: true,
            create_home_folder_owner: "root",
            create_home_folder_group: null,
            home_folder_structure: ["/in"],
            virtual_folders: [["/shared", "/srv/shared"]],
            permissions: [["allow-list"], ["/in/*", "allow-write"]],
          },
        }),
      ),
      {
        verdict: "accepted",
        account: {
          group: "partners",
          home: "/srv/kevin",
          folders: [{ path: "/shared", prefix: "/srv/shared" }],
          structure: ["/in"],
          permissions: [["allow-list"], ["/in/*", "allow-write"]],
        },
      },
    ],
    ["401 knows nothing", answering(401, "who?"), { verdict: "unknown" }],
    [
      "403 refuses and may say why",
      answering(403, '{"code":7,"message":"locked"}'),
      { verdict: "refused", reason: "refused-externally", details: { code: 7, message: "locked" } },
    ],
    ["403 refuses without words", answering(403), { verdict: "refused", reason: "refused-externally" }],
    [
      "what repeats the password does not go on record",
      answering(403, JSON.stringify({ message: `no: ${question.content}` })),
      { verdict: "refused", reason: "refused-externally" },
    ],
    ...[200, 200, 200].map((_, index) => {
      const body = ["", "[]", '{"account":{"grop":"x"}}'][index] ?? "";
      const message = [
        "the answer is not JSON",
        "the answer is not an object",
        'account has the unknown member "grop"',
      ];
      return [
        `200 with ${body || "nothing"} refuses`,
        answering(200, body),
        { verdict: "refused", reason: "external-account-unusable", details: { message: message[index] } },
      ] as const;
    }),
    ...[201, 302, 404].map(
      (status) =>
        [
          `${status} refuses`,
          answering(status, "{}"),
          { verdict: "refused", reason: "external-authentication-failed", details: { status } },
        ] as const,
    ),
    ["500 refuses", answering(500), { verdict: "refused", reason: "external-authentication-unavailable" }],
    [
      "an answer without end refuses",
      (response) => response.writeHead(200).end("x".repeat(limits.externalAnswerBytes + 1)),
      { verdict: "refused", reason: "external-authentication-unavailable" },
    ],
    [
      "an answer that is cut off refuses",
      (response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("{", () => response.destroy());
      },
      { verdict: "refused", reason: "external-authentication-unavailable" },
    ],
  ];
  for (const [title, answer, expected] of verdicts) {
    it(title, async (context) => {
      const receiver = await endpoint(context, answer);
      const verdict = await asking([receiver.url]).ask(question);
      assert.deepEqual(JSON.parse(JSON.stringify(verdict)), expected);
    });
  }

  it("is a refusal when there is none in time", async (context) => {
    const receiver = await endpoint(context, () => {});
    const verdict = await asking([receiver.url], { timeoutMs: 50 }).ask(question);
    assert.deepEqual(verdict, { verdict: "refused", reason: "external-authentication-unavailable" });
  });
});

describe("several addresses", () => {
  it("are asked in turn until one answers, and one that failed rests", async (context) => {
    const failing = await endpoint(context, answering(503));
    const working = await endpoint(context);
    const gone = await startWebhookReceiver();
    await gone.close();
    let nowMs = 0;
    const system = asking([gone.url, failing.url, working.url], { now: () => nowMs });
    for (let asked = 0; asked < 3; asked += 1) assert.equal((await system.ask(question)).verdict, "accepted");
    assert.deepEqual([failing.requests.length, working.requests.length], [1, 3]);
    nowMs += limits.externalRestMs;
    await system.ask(question);
    assert.equal(failing.requests.length, 2);
  });

  it("do not soften a refusal", async (context) => {
    const refusing = await endpoint(context, answering(403));
    const accepting = await endpoint(context);
    assert.equal((await asking([refusing.url, accepting.url]).ask(question)).verdict, "refused");
    assert.equal(accepting.requests.length, 0);
  });

  it("are all asked again when all of them rest", async (context) => {
    let status = 503;
    const receiver = await endpoint(context, (response) => response.writeHead(status).end());
    const system = asking([receiver.url]);
    assert.equal((await system.ask(question)).verdict, "refused");
    status = 204;
    assert.equal((await system.ask(question)).verdict, "accepted");
  });
});

it("more questions than may wait are refused", async (context) => {
  const pending: (() => void)[] = [];
  const receiver = await endpoint(context, (response) => pending.push(() => response.writeHead(204).end()));
  const system = asking([receiver.url]);
  const asked = Array.from({ length: limits.externalAuthenticationQuestions }, () => system.ask(question));
  await assert.rejects(system.ask(question), { code: "unavailable" });
  await receiver.arrived(limits.externalAuthenticationQuestions);
  for (const answer of pending) answer();
  assert.ok((await Promise.all(asked)).every(({ verdict }) => verdict === "accepted"));
  pending.length = 0;
});
