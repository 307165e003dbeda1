import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { passiveAddressFor, readTaskIdentity } from "../../gateway/task-identity.ts";

/** What ECS on Fargate answers, shortened. */
const metadata = {
  Cluster: "arn:aws:ecs:eu-west-1:111122223333:cluster/mft",
  TaskARN: "arn:aws:ecs:eu-west-1:111122223333:task/mft/0123456789abcdef0123456789abcdef",
  AvailabilityZone: "eu-west-1b",
  Containers: [
    { Name: "gateway", Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.1.7"], MACAddress: "0a:de" }] },
  ],
};

describe("the identity of a task", () => {
  let server: Server;
  let uri: string;
  let answer: { status: number; content: unknown };
  beforeEach(async () => {
    answer = { status: 200, content: metadata };
    server = createServer((request, response) => {
      assert.equal(request.url, "/v4/abc/task");
      response.writeHead(answer.status).end(JSON.stringify(answer.content));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/abc`;
  });
  afterEach(() => server.close());

  it("is what ECS says about it, and new with every start of the process", async () => {
    const first = await readTaskIdentity(undefined, uri);
    const second = await readTaskIdentity(undefined, uri);
    assert.deepEqual([first.address, first.availabilityZone], ["10.0.1.7", "eu-west-1b"]);
    assert.match(first.taskId, /^task-0123456789abcdef0123456789abcdef-[0-9a-f]{8}$/);
    assert.notEqual(first.taskId, second.taskId);
  });

  it("has the address that is configured before any other", async () => {
    assert.equal((await readTaskIdentity("127.0.1.1", uri)).address, "127.0.1.1");
    assert.equal((await readTaskIdentity("127.0.1.1", "")).availabilityZone, undefined);
  });

  it("is not guessed at where ECS does not answer", async () => {
    answer = { status: 500, content: {} };
    await assert.rejects(readTaskIdentity(undefined, uri), /metadata endpoint of ECS cannot be read/);
  });

  it("decides which address PASV names", () => {
    const byZone = new Map([["eu-west-1b", "192.0.2.2"]]);
    assert.equal(passiveAddressFor("192.0.2.1", "eu-west-1b"), "192.0.2.1");
    assert.equal(passiveAddressFor(byZone, "eu-west-1b"), "192.0.2.2");
    assert.equal(passiveAddressFor(byZone, "eu-west-1a"), undefined);
    assert.equal(passiveAddressFor(byZone, undefined), undefined);
  });
});
